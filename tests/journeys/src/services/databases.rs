//! A database for each service, owned by a role of its own.

use std::str::FromStr as _;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _, PgConnection};

use super::Service;

/// The databases and roles of one platform. They are dropped with this value.
#[derive(Debug)]
pub struct ServiceDatabases {
    admin: String,
    namespace: String,
    urls: [String; 4],
}

impl ServiceDatabases {
    /// Makes them on a server, as somebody who may.
    pub async fn create(admin: &str) -> Self {
        let namespace = namespace();
        let mut conn = connect(admin).await.expect("PostgreSQL answers");
        let options = PgConnectOptions::from_str(admin).expect("a PostgreSQL URL");
        // How the connection is protected is the same for all.
        let query = admin.find('?').and_then(|at| admin.get(at..)).unwrap_or_default();
        let urls = Service::ALL.map(|service| {
            let name = name(&namespace, service);
            format!("postgres://{name}:{name}@{}:{}/{name}{query}", options.get_host(), options.get_port())
        });
        let databases = Self { admin: admin.to_owned(), namespace, urls };
        for service in Service::ALL {
            let name = name(&databases.namespace, service);
            run(&mut conn, format!("create role {name} login password '{name}'")).await;
            run(&mut conn, format!("create database {name} owner {name}")).await;
        }
        databases
    }

    /// What no other platform's names on shared engines begin with.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Where a service's is, as its role.
    pub fn url(&self, service: Service) -> &str {
        let [auth, sessions, verify, oauth] = &self.urls;
        match service {
            Service::Auth => auth,
            Service::Sessions => sessions,
            Service::Verify => verify,
            Service::OAuth => oauth,
        }
    }
}

impl Drop for ServiceDatabases {
    /// From a thread of its own: a test may end anywhere.
    fn drop(&mut self) {
        let (admin, namespace) = (self.admin.clone(), self.namespace.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                // A private server may be gone already, and its databases with it.
                let Ok(mut conn) = connect(&admin).await else { return };
                for service in Service::ALL {
                    let name = name(&namespace, service);
                    run(&mut conn, format!("drop database if exists {name} with (force)")).await;
                    run(&mut conn, format!("drop role if exists {name}")).await;
                }
            });
        });
        // A failure here leaves databases behind, and the test's own outcome as it was.
        let _ = dropping.join();
    }
}

fn name(namespace: &str, service: Service) -> String {
    format!("{namespace}_{}", service.name())
}

async fn connect(url: &str) -> sqlx::Result<PgConnection> {
    let options = PgConnectOptions::from_str(url)?;
    match options.get_ssl_mode() {
        PgSslMode::Prefer => options.ssl_mode(PgSslMode::Disable).connect().await,
        _ => options.connect().await,
    }
}

async fn run(conn: &mut PgConnection, sql: String) {
    conn.execute(AssertSqlSafe(sql)).await.expect("the statement runs");
}

#[expect(clippy::disallowed_methods, reason = "a name that no other test process has")]
fn namespace() -> String {
    format!("tessera_{}", &uuid::Uuid::new_v4().simple().to_string()[..12])
}
