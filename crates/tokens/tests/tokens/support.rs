//! A database per test, a fixed clock, and a set of keys.

use std::panic::{AssertUnwindSafe, resume_unwind};

use chrono::TimeDelta;
use futures::FutureExt;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use tessera_common::clock::{Clock, Timestamp};
use tessera_common::random::Random;
use tessera_common::tls::Trust;
use tessera_storage::Db;
use tessera_tokens::jwk::Algorithm;
use tessera_tokens::key_ring::KeyRing;
use tessera_tokens::signing_keys::{KeySet, SigningKeys, SigningKeysError};
use uuid::Uuid;

/// Each named test, once per engine.
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod postgres {
            $(#[tokio::test] async fn $name() { $crate::support::on_postgres(super::$name).await; })+
        }
        mod sqlite {
            $(#[tokio::test] async fn $name() { $crate::support::on_sqlite(super::$name).await; })+
        }
    };
}

/// The life of tokens signed with [`SET`].
pub const TOKEN_LIFE: TimeDelta = TimeDelta::hours(1);

/// The keys of these tests.
pub const SET: KeySet = KeySet {
    name: "test",
    algorithms: &[Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA],
    kid_prefix: "tk",
    token_life: TOKEN_LIFE,
};

/// What a test works with.
pub struct World {
    pub db: Db,
    pub clock: Clock,
    pub ring: KeyRing,
}

impl World {
    fn new(db: Db) -> Self {
        let clock = Clock::fixed(Timestamp::from_timestamp(1_800_000_000, 0).unwrap());
        Self { db, clock, ring: ring() }
    }

    /// Opens the keys as a process does that starts.
    pub async fn open(&self) -> Result<SigningKeys, SigningKeysError> {
        SigningKeys::open(self.db.clone(), &self.ring, self.clock.clone(), Random::system(), SET).await
    }
}

/// A ring of its own.
pub fn ring() -> KeyRing {
    KeyRing::parse(&KeyRing::generate(&Random::system())).unwrap()
}

pub async fn on_sqlite(test: impl AsyncFnOnce(&World)) {
    let folder = TempDir::new().unwrap();
    let db = Db::sqlite(&folder.path().join("test.db")).await.unwrap();
    if let Db::Sqlite { write, .. } = &db {
        sqlx::raw_sql(include_str!("../../migrations/sqlite/signing_keys.sql")).execute(write).await.unwrap();
    }
    test(&World::new(db)).await;
}

pub async fn on_postgres(test: impl AsyncFnOnce(&World)) {
    if std::env::var("TESSERA_TEST_POSTGRES").as_deref() == Ok("off") {
        return;
    }
    let server = std::env::var("TESSERA_TEST_POSTGRES_URL")
        .unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
    let name = format!("tessera_test_{}", Uuid::from_bytes(Random::system().bytes()).simple());
    // A connection of the test's own: a database is copied from a template, which can take longer than a statement of a service may.
    let mut admin = PgConnection::connect(&server).await.unwrap();
    execute(&mut admin, format!("create database {name}")).await;
    let (address, _) = server.rsplit_once('/').unwrap();
    let db = Db::postgres(&format!("{address}/{name}"), 5, &Trust::default()).await.unwrap();
    if let Db::Postgres { transactions: pool, .. } = &db {
        sqlx::raw_sql(include_str!("../../migrations/postgres/signing_keys.sql")).execute(pool).await.unwrap();
    }
    let outcome = AssertUnwindSafe(test(&World::new(db))).catch_unwind().await;
    execute(&mut admin, format!("drop database {name} with (force)")).await;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

async fn execute(admin: &mut PgConnection, sql: String) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(admin).await.unwrap();
}
