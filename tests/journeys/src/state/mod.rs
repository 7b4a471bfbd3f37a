//! What a platform has kept, read from its databases: what must hold there whatever was done to it (I2, I3, I10, I11, I16).

mod reader;
mod rules;

use std::time::Duration;

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, PgConnection};
use std::str::FromStr as _;

use crate::folder::DataFolder;
use crate::services::{Service, Services};
use crate::shape::Shape;
use reader::Reader;

/// The longest claim of what a killed process had in hand is that of a mail: half a minute.
const UNTIL_SETTLED: Duration = Duration::from_secs(60);

/// A rule, and what breaks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The rule.
    pub rule: &'static str,
    /// What breaks it.
    pub by: Vec<String>,
}

/// The databases of one platform, open for reading.
#[derive(Debug)]
pub struct State {
    auth: Reader,
    sessions: Reader,
    verify: Reader,
    oauth: Reader,
}

impl State {
    /// That of a running platform.
    pub async fn of(shape: &Shape) -> Self {
        match shape {
            Shape::AllInOne(_, folder) => Self::of_folder(folder).await,
            Shape::FourServices(services) => Self::of_services(services).await,
        }
    }

    /// That of an all-in-one, which may run.
    pub async fn of_folder(folder: &DataFolder) -> Self {
        let file =
            async |service: Service| Reader::file(&folder.path().join(format!("{}.sqlite", service.name()))).await;
        Self {
            auth: file(Service::Auth).await,
            sessions: file(Service::Sessions).await,
            verify: file(Service::Verify).await,
            oauth: file(Service::OAuth).await,
        }
    }

    /// That of four services.
    pub async fn of_services(services: &Services) -> Self {
        let database = async |service: Service| Reader::database(services.database(service)).await;
        Self {
            auth: database(Service::Auth).await,
            sessions: database(Service::Sessions).await,
            verify: database(Service::Verify).await,
            oauth: database(Service::OAuth).await,
        }
    }

    /// Waits until nothing is under way: every event published and applied, every call acknowledged, every mail sent.
    ///
    /// # Panics
    /// When something still is after a minute.
    pub async fn settle(&mut self) {
        let mut left = Vec::new();
        let settling = async {
            loop {
                left = rules::under_way(self).await;
                if left.is_empty() {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        };
        let settled = tokio::time::timeout(UNTIL_SETTLED, settling).await;
        assert!(settled.is_ok(), "after {UNTIL_SETTLED:?} still under way: {left:#?}");
    }

    /// The rules that are broken in a platform where nothing is under way; none if all hold.
    pub async fn broken(&mut self) -> Vec<Broken> {
        let under_way = rules::under_way(self).await;
        [under_way, rules::broken_rules(self).await].concat()
    }

    /// The addresses that were proved.
    pub async fn verified(&mut self) -> Vec<String> {
        self.auth.column("select given from email_addresses where verified_at is not null").await
    }

    /// How many attempts are counted for each verification, by its id.
    pub async fn attempts(&mut self) -> Vec<(String, i64)> {
        self.verify.rows("select id, attempts from verifications").await
    }
}

/// The sessions of a PostgreSQL that hold a transaction open and do nothing, in databases whose names begin so (I16).
///
/// # Panics
/// When the server does not answer.
pub async fn idle_in_transaction(admin: &str, namespace: &str) -> Vec<String> {
    let rows = sqlx::query_scalar(
        "select datname || ' ' || pid || ': ' || query from pg_stat_activity where starts_with(datname, $1) \
         and state like 'idle in transaction%' and state_change < clock_timestamp() - interval '5 seconds'",
    );
    rows.bind(namespace.to_owned()).fetch_all(&mut connect(admin).await).await.expect("the list of sessions")
}

/// How many sessions a PostgreSQL has in databases whose names begin so (I16: the number returns to what it was).
///
/// # Panics
/// When the server does not answer.
pub async fn connections(admin: &str, namespace: &str) -> i64 {
    let count = sqlx::query_scalar("select count(*) from pg_stat_activity where starts_with(datname, $1)");
    count.bind(namespace.to_owned()).fetch_one(&mut connect(admin).await).await.expect("the number of sessions")
}

async fn connect(url: &str) -> PgConnection {
    PgConnectOptions::from_str(url).expect("a PostgreSQL URL").connect().await.expect("PostgreSQL answers")
}
