//! One SQL text on two engines.

use std::path::Path;
use std::time::Duration;

use sqlx::pool::{PoolConnection, PoolConnectionMetadata};
use sqlx::postgres::{PgConnectOptions, PgDatabaseError, PgPool, PgPoolOptions, PgSslMode};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{Connection as _, PgConnection, Postgres, Sqlite, SqliteConnection, Transaction};
use tessera_common::tls::{Link, Trust};

use crate::lender::{Lender, Lent, MOST_AGE, SIGN_OF_LIFE, SURELY_ALIVE};

/// A database of one context.
#[derive(Clone, Debug)]
pub enum Db {
    /// PostgreSQL.
    Postgres {
        /// For statements alone.
        statements: Lender<PgConnection>,
        /// For transactions.
        transactions: PgPool,
    },
    /// SQLite: many readers and one writer, for SQLite writes one at a time.
    Sqlite {
        /// Read-only connections.
        read: Lender<SqliteConnection>,
        /// The one writing connection.
        write: SqlitePool,
    },
}

/// A connection outside a transaction.
#[derive(Debug)]
pub enum Conn {
    /// PostgreSQL.
    Postgres(Lent<PgConnection>),
    /// SQLite.
    Sqlite(PoolConnection<Sqlite>),
    /// SQLite, to read with.
    Reader(Lent<SqliteConnection>),
}

/// A transaction. Dropped without [`Tx::commit`] it is rolled back.
#[derive(Debug)]
pub enum Tx {
    /// PostgreSQL.
    Postgres(Transaction<'static, Postgres>),
    /// SQLite, begun with `BEGIN IMMEDIATE`.
    Sqlite(Transaction<'static, Sqlite>),
}

/// A borrowed connection of either engine: what [`run!`](crate::run) matches on.
#[derive(Debug)]
pub enum On<'a> {
    /// PostgreSQL.
    Postgres(&'a mut PgConnection),
    /// SQLite.
    Sqlite(&'a mut SqliteConnection),
}

/// Whatever statements can run on: a connection or a transaction.
pub trait Session: Send {
    /// Borrows the connection, to begin a statement.
    fn on(&mut self) -> On<'_>;

    /// Is told that the statement has ended well.
    fn ended_well(&mut self) {}
}

impl Session for Conn {
    fn on(&mut self) -> On<'_> {
        match self {
            Self::Postgres(conn) => On::Postgres(conn),
            Self::Sqlite(conn) => On::Sqlite(conn),
            Self::Reader(conn) => On::Sqlite(conn),
        }
    }

    fn ended_well(&mut self) {
        match self {
            Self::Postgres(conn) => conn.ended_well(),
            Self::Sqlite(_) => {}
            Self::Reader(conn) => conn.ended_well(),
        }
    }
}

impl Session for Tx {
    fn on(&mut self) -> On<'_> {
        match self {
            Self::Postgres(tx) => On::Postgres(tx),
            Self::Sqlite(tx) => On::Sqlite(tx),
        }
    }
}

/// Runs one body on whichever engine the session is: `run!(tx, |e| sqlx::query_as(TEXT).bind(id).fetch_optional(e))`.
#[macro_export]
macro_rules! run {
    ($session:expr, |$e:ident| $body:expr) => {
        match &mut *$session {
            session => {
                let outcome = match $crate::Session::on(session) {
                    $crate::On::Postgres($e) => $body.await,
                    $crate::On::Sqlite($e) => $body.await,
                };
                if outcome.is_ok() {
                    $crate::Session::ended_well(session);
                }
                outcome
            }
        }
    };
}

/// Executes a statement and answers the number of rows it changed.
#[macro_export]
macro_rules! affected {
    ($session:expr, $query:expr) => {
        match &mut *$session {
            session => {
                let outcome = match $crate::Session::on(session) {
                    $crate::On::Postgres(e) => $query.execute(e).await.map(|done| done.rows_affected()),
                    $crate::On::Sqlite(e) => $query.execute(e).await.map(|done| done.rows_affected()),
                };
                if outcome.is_ok() {
                    $crate::Session::ended_well(session);
                }
                outcome
            }
        }
    };
}

/// Readers of a SQLite file: enough for the cores a small machine has, few enough to stay small.
const SQLITE_READERS: u32 = 4;

impl Db {
    /// Opens PostgreSQL at `url` with at most `connections` connections, but at least three, encrypted and verified where `trust` demands
    /// it.
    ///
    /// # Errors
    /// When the URL cannot be read or asks for less than `trust` demands, the server cannot be reached or cannot be trusted, or
    /// it answers commits before they are durable.
    pub async fn postgres(url: &str, connections: u32, trust: &Trust) -> sqlx::Result<Self> {
        let options = trusted_options(url, trust)?.options([
            ("statement_timeout", "2s"),
            ("lock_timeout", "1s"),
            ("idle_in_transaction_session_timeout", "5s"),
        ]);
        let db = Self::postgres_with(options, connections);
        let durable: String =
            run!(&mut db.read().await?, |e| sqlx::query_scalar("show synchronous_commit").fetch_one(e))?;
        if durable == "off" {
            return Err(sqlx::Error::Configuration(
                "synchronous_commit is off: a revocation could be lost; turn it on for this role".into(),
            ));
        }
        Ok(db)
    }

    /// PostgreSQL with these options as they are. Nothing is asked of it yet.
    #[must_use]
    pub fn postgres_with(options: PgConnectOptions, connections: u32) -> Self {
        // One may be somebody's own for as long as the process lives.
        let for_transactions = (connections / 2).max(2);
        let for_statements = connections.saturating_sub(for_transactions).max(1);
        let transactions = PgPoolOptions::new()
            .max_connections(for_transactions)
            .acquire_timeout(Duration::from_secs(2))
            .max_lifetime(MOST_AGE)
            .idle_timeout(Duration::from_secs(5 * 60))
            .test_before_acquire(false)
            .before_acquire(|connection, used| Box::pin(is_alive(connection, used)))
            .connect_lazy_with(options.clone());
        Self::Postgres { statements: Lender::new(options, for_statements), transactions }
    }

    /// Opens (and creates, readable by the owner only) a SQLite file.
    ///
    /// # Errors
    /// When the file cannot be made or opened.
    pub async fn sqlite(file: &Path) -> sqlx::Result<Self> {
        create_private(file)?;
        let options = SqliteConnectOptions::new()
            .filename(file)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(Duration::from_secs(5))
            .foreign_keys(true);
        // A reader cannot optimise: it would fail at its end, and not be waited for.
        let writer = options.clone().optimize_on_close(true, None);
        // A connection to a file does not break.
        let write = SqlitePoolOptions::new().max_connections(1).test_before_acquire(false).connect_with(writer).await?;
        let read = Lender::new(options.read_only(true), SQLITE_READERS);
        drop(read.lend().await?);
        Ok(Self::Sqlite { read, write })
    }

    /// A connection to read with.
    ///
    /// # Errors
    /// When none is free in time.
    pub async fn read(&self) -> sqlx::Result<Conn> {
        Ok(match self {
            Self::Postgres { statements, .. } => Conn::Postgres(statements.lend().await?),
            Self::Sqlite { read, .. } => Conn::Reader(read.lend().await?),
        })
    }

    /// A connection for single statements that write.
    ///
    /// # Errors
    /// When none is free in time.
    pub async fn write(&self) -> sqlx::Result<Conn> {
        Ok(match self {
            Self::Postgres { statements, .. } => Conn::Postgres(statements.lend().await?),
            Self::Sqlite { write, .. } => Conn::Sqlite(write.acquire().await?),
        })
    }

    /// Begins a transaction.
    ///
    /// The beginning runs in a task of its own, driven to its end also when the caller is dropped meanwhile: a future
    /// dropped while `BEGIN` is under way would hand the next borrower of the connection an open transaction.
    ///
    /// # Errors
    /// When no connection is free in time, or the engine refuses.
    pub async fn begin(&self) -> sqlx::Result<Tx> {
        let db = self.clone();
        tokio::spawn(async move {
            Ok(match db {
                Self::Postgres { transactions, .. } => Tx::Postgres(transactions.begin().await?),
                Self::Sqlite { write, .. } => Tx::Sqlite(write.begin_with("BEGIN IMMEDIATE").await?),
            })
        })
        .await
        .map_err(|_| sqlx::Error::WorkerCrashed)?
    }

    /// A connection of PostgreSQL that nobody gets afterwards: it is closed when it is dropped, and what belongs to its session ends.
    /// `None` with SQLite.
    ///
    /// # Errors
    /// When none is free in time.
    pub async fn own(&self) -> sqlx::Result<Option<PoolConnection<Postgres>>> {
        let Self::Postgres { transactions, .. } = self else { return Ok(None) };
        let mut own = transactions.acquire().await?;
        own.close_on_drop();
        Ok(Some(own))
    }

    /// Closes every connection; those in use finish first.
    pub async fn close(&self) {
        match self {
            Self::Postgres { statements, transactions } => {
                statements.close().await;
                transactions.close().await;
            }
            Self::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
        }
    }
}

impl Tx {
    /// Makes the transaction's changes durable.
    ///
    /// # Errors
    /// When the engine could not commit; the outcome is then unknown, and a retry must be safe.
    pub async fn commit(self) -> sqlx::Result<()> {
        match self {
            Self::Postgres(tx) => tx.commit().await,
            Self::Sqlite(tx) => tx.commit().await,
        }
    }
}

/// Whether an idle connection can be handed out. One that is not is replaced, and whoever wants it does not notice.
async fn is_alive(connection: &mut PgConnection, used: PoolConnectionMetadata) -> sqlx::Result<bool> {
    if used.idle_for < SURELY_ALIVE {
        return Ok(true);
    }
    Ok(tokio::time::timeout(SIGN_OF_LIFE, connection.ping()).await.is_ok_and(|answer| answer.is_ok()))
}

/// The options of a URL: what leaves the machine is verified where that is demanded, by the authorities that are trusted.
fn trusted_options(url: &str, trust: &Trust) -> sqlx::Result<PgConnectOptions> {
    let mut options: PgConnectOptions = url.parse()?;
    let link = Link::of(&url.parse().map_err(sqlx::Error::config)?);
    if !trust.admits(link) {
        return Err(sqlx::Error::Configuration(
            "`sslmode` would let the database be anybody: write sslmode=verify-full, or leave it out".into(),
        ));
    }
    if trust.demands_tls() && link == Link::Encrypted {
        options = options.ssl_mode(PgSslMode::VerifyFull);
    }
    Ok(match trust.pem() {
        Some(authorities) => options.ssl_root_cert_from_pem(authorities.to_vec()),
        None => options,
    })
}

/// Whether `error` says that a unique column has this value already.
#[must_use]
pub fn is_unique_violation(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(sqlx::error::DatabaseError::is_unique_violation)
}

/// Whether `error` means that the database cannot be used now, so that trying later may succeed.
#[must_use]
pub fn is_unavailable(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => error.code().is_some_and(|code| {
            if error.try_downcast_ref::<PgDatabaseError>().is_some() {
                PASSING_SQLSTATES.iter().any(|class| code.starts_with(class))
            } else {
                // The extended codes have the primary one in the lower bits.
                code.parse().is_ok_and(|code: u32| PASSING_SQLITE_CODES.contains(&(code & 0xff)))
            }
        }),
        _ => false,
    }
}

/// Connection lost; read-only; idle too long in a transaction; rolled back for another's sake; out of resources; a lock was
/// not to be had in time; cancelled by a time-out or shutting down.
const PASSING_SQLSTATES: [&str; 8] = ["08", "25006", "25P03", "40001", "40P01", "53", "55P03", "57"];

/// Busy, locked, read-only, I/O, full, cannot be opened (no file descriptor is left), a race for the log.
const PASSING_SQLITE_CODES: [u32; 7] = [5, 6, 8, 10, 13, 14, 15];

#[cfg(unix)]
fn create_private(file: &Path) -> sqlx::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(file)?;
    Ok(())
}

#[cfg(not(unix))]
fn create_private(file: &Path) -> sqlx::Result<()> {
    std::fs::OpenOptions::new().create(true).append(true).open(file)?;
    Ok(())
}
