//! Schema changes: applied in order, checked before anything is served.
//!
//! A service carries one folder of migrations per engine, with equal numbers and names. It refuses to start on a migration it
//! does not know (an older binary on a newer schema), on one that was changed after it was applied, and, unless it was told to
//! apply them, on pending ones.

use std::collections::BTreeMap;

use sqlx::migrate::{Migrate, MigrateError, Migrator};
use sqlx::{Connection as _, Executor as _};

use crate::database::{Conn, Db};

/// The migrations of one context, for both engines.
#[derive(Clone, Copy, Debug)]
pub struct Migrations {
    /// For PostgreSQL.
    pub postgres: &'static Migrator,
    /// For SQLite.
    pub sqlite: &'static Migrator,
}

/// Why a database is not fit to serve from.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// Some were not applied.
    #[error("migrations are pending: {0}; run `migrate`, or start with migrate_on_start")]
    Pending(String),
    /// The database was migrated by a newer release.
    #[error("migration {0} is not known to this release: the database belongs to a newer one")]
    Unknown(i64),
    /// An applied migration is not the one this release carries.
    #[error("migration {0} was applied in another form than this release carries")]
    Changed(i64),
    /// The database itself failed.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
    /// A migration could not be applied.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
}

impl Migrations {
    /// Applies what is pending.
    ///
    /// # Errors
    /// As [`Migrations::check`], except for pending ones.
    pub async fn apply(&self, db: &Db) -> Result<(), MigrationError> {
        match self.check(db).await {
            Ok(()) => Ok(()),
            Err(MigrationError::Pending(_)) => {
                match db {
                    Db::Postgres { transactions, .. } => {
                        // On a connection of its own, closed whatever happens: the lock against another process that migrates
                        // ends with it, and a migration may take, and that process may have to wait, longer than a request.
                        let mut conn = transactions.acquire().await?.detach();
                        conn.execute("set statement_timeout = 0; set lock_timeout = 0").await?;
                        self.postgres.run(&mut conn).await?;
                        conn.close().await?;
                    }
                    Db::Sqlite { write, .. } => self.sqlite.run(write).await?,
                }
                Ok(())
            }
            Err(other) => Err(other),
        }
    }

    /// Checks that the database has exactly the migrations that this release carries. Changes nothing.
    ///
    /// # Errors
    /// Names the first difference.
    pub async fn check(&self, db: &Db) -> Result<(), MigrationError> {
        let (known, applied) = match db.read().await? {
            Conn::Postgres(mut conn) => (self.postgres, applied(&mut *conn).await?),
            Conn::Sqlite(mut conn) => (self.sqlite, applied(&mut *conn).await?),
            Conn::Reader(mut conn) => (self.sqlite, applied(&mut *conn).await?),
        };
        let mut pending = Vec::new();
        for migration in known.iter() {
            match applied.get(&migration.version) {
                None => pending.push(format!("{:04} {}", migration.version, migration.description)),
                Some(checksum) if **checksum != *migration.checksum => {
                    return Err(MigrationError::Changed(migration.version));
                }
                Some(_) => {}
            }
        }
        if let Some(unknown) = applied.keys().find(|version| !known.version_exists(**version)) {
            return Err(MigrationError::Unknown(*unknown));
        }
        if pending.is_empty() { Ok(()) } else { Err(MigrationError::Pending(pending.join(", "))) }
    }
}

/// Where sqlx keeps what was applied.
const TABLE: &str = "_sqlx_migrations";

async fn applied(conn: &mut impl Migrate) -> Result<BTreeMap<i64, Vec<u8>>, MigrationError> {
    match conn.list_applied_migrations(TABLE).await {
        Ok(rows) => Ok(rows.into_iter().map(|row| (row.version, row.checksum.to_vec())).collect()),
        Err(MigrateError::Execute(error)) if is_missing_table(&error) => Ok(BTreeMap::new()),
        Err(error) => Err(error.into()),
    }
}

/// Whether nothing was ever applied. SQLite has no code of its own for a table that is not there.
fn is_missing_table(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| {
        error.code().as_deref() == Some("42P01") || error.message() == format!("no such table: {TABLE}")
    })
}
