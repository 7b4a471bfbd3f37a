//! One statement, prepared once, on each engine: a read by primary key, and an insert that is durable when it is answered.

use std::path::Path;
use std::str::FromStr as _;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection, SqliteConnection};

use crate::figures::number;
use crate::machine::Process;
use crate::stopwatch::Stopwatch;

const TIME: Duration = Duration::from_millis(600);
const CREATE: &str = "create table t (id bigint primary key, v text not null)";
const FIRST: &str = "insert into t (id, v) values (0, 'x')";
const READ: &str = "select v from t where id = $1";
const INSERT: &str = "insert into t (id, v) values ($1, $2)";

/// A kind of database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Store {
    /// A file.
    Sqlite,
    /// A server.
    Postgres,
}

/// What a statement costs.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Statement {
    /// Processor time of whoever asks.
    pub asking_us: f64,
    /// Processor time of the server; a file has none.
    pub store_us: f64,
    /// One after the other on one connection, in a second.
    pub per_second: f64,
}

impl Statement {
    /// Processor time of both.
    pub fn cost_us(&self) -> f64 {
        self.asking_us + self.store_us
    }
}

/// The two statements on one engine.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Statements {
    /// A point read.
    pub read: Statement,
    /// A durable insert of one row.
    pub commit: Statement,
}

/// Both engines.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Stores {
    /// SQLite, with the settings that the platform uses.
    pub sqlite: Statements,
    /// The PostgreSQL that the platform stands on, where it stands on one.
    pub postgres: Option<Statements>,
}

impl Stores {
    /// The statements on an engine.
    pub fn of(&self, store: Store) -> Option<Statements> {
        match store {
            Store::Sqlite => Some(self.sqlite),
            Store::Postgres => self.postgres,
        }
    }
}

/// Measures SQLite, and PostgreSQL where `postgres` names one of this machine, in a database that is dropped again.
pub async fn measure(postgres: Option<&str>) -> anyhow::Result<Stores> {
    let folder = tempfile::tempdir()?;
    let sqlite = sqlite(&folder.path().join("limit.sqlite")).await?;
    let postgres = match postgres {
        Some(admin) => Some(in_own_database(admin).await.context("PostgreSQL")?),
        None => None,
    };
    Ok(Stores { sqlite, postgres })
}

async fn sqlite(file: &Path) -> anyhow::Result<Statements> {
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    let options = options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
    let mut conn: SqliteConnection = options.connect().await?;
    conn.execute(CREATE).await?;
    conn.execute(FIRST).await?;
    let read = timed(None, async |_| {
        let _: String = sqlx::query_scalar(READ).bind(0_i64).fetch_one(&mut conn).await?;
        Ok(())
    });
    let read = read.await?;
    let commit = timed(None, async |id| {
        sqlx::query(INSERT).bind(id).bind("x").execute(&mut conn).await?;
        Ok(())
    });
    Ok(Statements { read, commit: commit.await? })
}

async fn in_own_database(admin: &str) -> anyhow::Result<Statements> {
    let options = PgConnectOptions::from_str(admin)?.ssl_mode(PgSslMode::Disable);
    let mut conn: PgConnection = options.connect().await?;
    let name = format!("tessera_bench_{}", std::process::id());
    conn.execute(AssertSqlSafe(format!("create database {name}"))).await?;
    let measured = postgres(&options.database(&name)).await;
    conn.execute(AssertSqlSafe(format!("drop database {name} with (force)"))).await?;
    measured
}

async fn postgres(options: &PgConnectOptions) -> anyhow::Result<Statements> {
    let mut conn: PgConnection = options.connect().await?;
    conn.execute(CREATE).await?;
    conn.execute(FIRST).await?;
    let backend: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut conn).await?;
    let backend = Some(u32::try_from(backend).context("a process")?);
    let read = timed(backend, async |_| {
        let _: String = sqlx::query_scalar(READ).bind(0_i64).fetch_one(&mut conn).await?;
        Ok(())
    });
    let read = read.await?;
    let commit = timed(backend, async |id| {
        sqlx::query(INSERT).bind(id).bind("x").execute(&mut conn).await?;
        Ok(())
    });
    let commit = commit.await?;
    conn.close().await?;
    Ok(Statements { read, commit })
}

/// Does it again and again, with a number that grows.
async fn timed(store: Option<u32>, mut work: impl AsyncFnMut(i64) -> sqlx::Result<()>) -> anyhow::Result<Statement> {
    let of_store = || store.map_or(Ok(Duration::ZERO), |id| Process::of(id).map(|process| process.cpu));
    let own = || Process::of(std::process::id()).map(|process| process.cpu);
    // What is prepared on first use is prepared.
    work(1).await?;
    let (begun, own_before, store_before) = (Stopwatch::start(), own()?, of_store()?);
    let mut done = 0_u32;
    while begun.elapsed() < TIME {
        done += 1;
        work(i64::from(done) + 1).await?;
    }
    let cost = |before: Duration, after: Duration| (after - before).as_secs_f64() * 1e6 / number(done.into());
    Ok(Statement {
        asking_us: cost(own_before, own()?),
        store_us: cost(store_before, of_store()?),
        per_second: f64::from(done) / begun.elapsed().as_secs_f64(),
    })
}
