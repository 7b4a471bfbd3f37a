//! A database per test, gone when the test is.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::str::FromStr as _;

use futures::FutureExt as _;
use sqlx::postgres::{PgConnectOptions, PgPool, PgSslMode};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};
use tessera_common::random::Random;
use tessera_common::tls::Trust;
use tessera_storage::{Db, run};
use uuid::Uuid;

/// Writes a test once and runs it on each engine.
macro_rules! on_every_database {
    ($($(#[$meta:meta])* async fn $name:ident($db:ident: &Db) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn run($db: &Db) $body

            #[tokio::test]
            async fn on_sqlite() {
                $crate::support::on_sqlite(run).await;
            }

            #[tokio::test]
            async fn on_postgres() {
                $crate::support::on_postgres(run).await;
            }
        }
    )+};
}

pub async fn on_sqlite(test: impl AsyncFnOnce(&Db)) {
    let folder = tempfile::tempdir().unwrap();
    test(&Db::sqlite(&folder.path().join("test.sqlite")).await.unwrap()).await;
}

/// Does nothing where the tests are told to leave PostgreSQL out.
pub async fn on_postgres(test: impl AsyncFnOnce(&Db)) {
    if std::env::var("TESSERA_TEST_POSTGRES").as_deref() == Ok("off") {
        return;
    }
    let server = std::env::var("TESSERA_TEST_POSTGRES_URL")
        .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
    let name = format!("tessera_test_{}", Uuid::from_bytes(Random::system().bytes()).simple());
    let mut server = PgConnectOptions::from_str(&server).unwrap();
    if server.get_host() == "127.0.0.1" {
        // A handshake for each connection is most of what a test would take.
        server = server.ssl_mode(PgSslMode::Disable);
    }
    let mut admin = server.connect().await.unwrap();
    execute(&mut admin, format!("create database {name}")).await;
    let db = Db::postgres(server.database(&name).to_url_lossy().as_str(), 5, &Trust::default()).await.unwrap();
    let outcome = AssertUnwindSafe(test(&db)).catch_unwind().await;
    execute(&mut admin, format!("drop database {name} with (force)")).await;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

async fn execute(admin: &mut PgConnection, sql: String) {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(admin).await.unwrap();
}

/// Runs statements outside a transaction: tables to test with, and what a test is spied on with.
pub async fn run_sql(db: &Db, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    run!(&mut db.write().await.unwrap(), |e| sqlx::raw_sql(sql).execute(e).map(|done| done.map(drop))).unwrap();
}

/// The one number that a query answers.
pub async fn number(db: &Db, sql: &'static str) -> i64 {
    run!(&mut db.read().await.unwrap(), |e| sqlx::query_scalar(sql).fetch_one(e)).unwrap()
}

/// The pool, where the test is about PostgreSQL.
pub fn pool(db: &Db) -> &PgPool {
    match db {
        Db::Postgres { transactions: pool, .. } => pool,
        Db::Sqlite { .. } => panic!("a PostgreSQL database"),
    }
}

/// The same PostgreSQL database through a pool of its own, with other session settings: another process, as it were.
pub async fn other_process(db: &Db, connections: u32, settings: &[(&str, &str)]) -> Db {
    let options = (*pool(db).connect_options()).clone().options(settings.iter().copied());
    Db::postgres_with(options, connections)
}

/// A connection to the same PostgreSQL database that belongs to no pool.
pub async fn onlooker(db: &Db) -> PgConnection {
    PgConnection::connect_with(&pool(db).connect_options()).await.unwrap()
}
