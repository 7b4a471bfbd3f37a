//! A database per test, a fixed clock, an event and a consumer that does as it is told.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use futures::FutureExt;
use sqlx::{Connection as _, PgConnection};
use tempfile::TempDir;
use tessera_common::clock::{Clock, Timestamp};
use tessera_common::ids;
use tessera_common::random::Random;
use tessera_common::tls::Trust;
use tessera_messaging::{Bus, ConsumeError, Consumer, Envelope, Event, Outbox, Relay, Subscription, inbox};
use tessera_storage::{Db, run};
use tokio::sync::watch;
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

/// What a test works with.
pub struct World {
    pub db: Db,
    pub clock: Clock,
    pub random: Random,
    pub bus: Bus,
    pub relay: Relay,
    pub outbox: Outbox,
}

impl World {
    fn new(db: Db) -> Self {
        let clock = Clock::fixed(Timestamp::from_timestamp_micros(1_800_000_000_000_000).unwrap());
        Self::with(db, clock, Bus::in_process())
    }

    pub fn with(db: Db, clock: Clock, bus: Bus) -> Self {
        let relay = Relay::new(db.clone(), clock.clone(), bus.clone());
        Self { db, clock, random: Random::system(), bus, relay, outbox: Outbox::new("test") }
    }

    /// Writes an event in a transaction of its own.
    pub async fn emit(&self, aggregate: Uuid, version: i64) {
        let mut tx = self.db.begin().await.unwrap();
        let event = Happened { id: aggregate.to_string(), version };
        self.outbox.emit(&mut tx, self.clock.now(), &self.random, &event).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub fn subscribe(&self, name: &'static str) -> Arc<Witness> {
        let witness = self.witness(name);
        self.bus.subscribe(witness.clone());
        witness
    }

    /// A consumer that is not subscribed yet.
    pub fn witness(&self, name: &'static str) -> Arc<Witness> {
        Arc::new(Witness {
            name,
            db: self.db.clone(),
            clock: self.clock.clone(),
            manner: Mutex::new(Box::new(|_| Ok(()))),
            hang: Mutex::default(),
            delivered: Mutex::default(),
            applied: Mutex::default(),
        })
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        run!(&mut self.db.read().await.unwrap(), |e| sqlx::query_scalar(sql).fetch_one(e)).unwrap()
    }

    pub fn aggregate(&self) -> Uuid {
        ids::new_v7(self.clock.now(), &self.random)
    }

    pub fn seconds_pass(&self, seconds: i64) {
        self.clock.advance(chrono::TimeDelta::seconds(seconds));
    }
}

pub async fn on_sqlite(test: impl AsyncFnOnce(&World)) {
    with_sqlite(async |db| test(&World::new(db)).await).await;
}

pub async fn on_postgres(test: impl AsyncFnOnce(&World)) {
    with_postgres(async |db| test(&World::new(db)).await).await;
}

pub async fn with_sqlite(test: impl AsyncFnOnce(Db)) {
    let folder = TempDir::new().unwrap();
    let db = Db::sqlite(&folder.path().join("test.db")).await.unwrap();
    if let Db::Sqlite { write, .. } = &db {
        sqlx::raw_sql(include_str!("../../migrations/sqlite/messaging.sql")).execute(write).await.unwrap();
        sqlx::raw_sql(include_str!("../../migrations/sqlite/messaging_trace.sql")).execute(write).await.unwrap();
    }
    test(db).await;
}

pub async fn with_postgres(test: impl AsyncFnOnce(Db)) {
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
        sqlx::raw_sql(include_str!("../../migrations/postgres/messaging.sql")).execute(pool).await.unwrap();
        sqlx::raw_sql(include_str!("../../migrations/postgres/messaging_trace.sql")).execute(pool).await.unwrap();
    }
    let outcome = AssertUnwindSafe(test(db)).catch_unwind().await;
    execute(&mut admin, format!("drop database {name} with (force)")).await;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

async fn execute(admin: &mut PgConnection, sql: String) {
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(admin).await.unwrap();
}

/// The event of these tests.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Happened {
    #[prost(string, tag = "1")]
    pub id: String,
    #[prost(int64, tag = "2")]
    pub version: i64,
}

impl Event for Happened {
    const TYPE: &'static str = "test.v1.Happened";

    fn aggregate(&self) -> Uuid {
        self.id.parse().unwrap()
    }

    fn version(&self) -> i64 {
        self.version
    }
}

/// How a consumer treats a message.
pub type Manner = Box<dyn Fn(&Envelope) -> Result<(), ConsumeError> + Send + Sync>;

/// Says that it was entered, and waits for leave to go on.
type Hang = (Arc<watch::Sender<bool>>, Arc<watch::Sender<bool>>);

/// Notes what is delivered and what it applies for the first time.
pub struct Witness {
    name: &'static str,
    db: Db,
    clock: Clock,
    manner: Mutex<Manner>,
    hang: Mutex<Option<Hang>>,
    pub delivered: Mutex<Vec<(Uuid, i64)>>,
    pub applied: Mutex<Vec<i64>>,
}

impl Witness {
    pub fn behaves(&self, manner: impl Fn(&Envelope) -> Result<(), ConsumeError> + Send + Sync + 'static) {
        *self.manner.lock().unwrap() = Box::new(manner);
    }

    /// Every delivery from now on says that it was entered and waits for leave.
    pub fn hangs(&self, entered: Arc<watch::Sender<bool>>, leave: Arc<watch::Sender<bool>>) {
        *self.hang.lock().unwrap() = Some((entered, leave));
    }

    pub fn applied(&self) -> Vec<i64> {
        self.applied.lock().unwrap().clone()
    }

    pub fn delivered(&self) -> Vec<(Uuid, i64)> {
        self.delivered.lock().unwrap().clone()
    }
}

#[async_trait]
impl Consumer for Witness {
    fn subscription(&self) -> Subscription {
        Subscription { consumer: self.name, event_types: &[Happened::TYPE] }
    }

    async fn consume(&self, envelope: &Envelope) -> Result<(), ConsumeError> {
        self.delivered.lock().unwrap().push((envelope.id, envelope.version));
        let hang = self.hang.lock().unwrap().clone();
        if let Some((entered, leave)) = hang {
            entered.send_replace(true);
            leave.subscribe().wait_for(|leave| *leave).await.unwrap();
        }
        let event: Happened = envelope.decode()?;
        let mut tx = self.db.begin().await?;
        let first = inbox::first_time(&mut tx, self.name, envelope.id, self.clock.now()).await?;
        let manner = { (self.manner.lock().unwrap_or_else(PoisonError::into_inner))(envelope) };
        manner?;
        tx.commit().await?;
        if first {
            self.applied.lock().unwrap().push(event.version);
        }
        Ok(())
    }
}
