//! One relay of a service at a time. This only keeps the order: two at once would repeat messages, not lose any.

use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use tessera_storage::Db;

/// Names the advisory lock, with the schema that the outbox is in: services that share a database do not wait for each other.
const LOCK: i32 = 0x7465_7373;

/// Holds, with PostgreSQL, a lock that belongs to a connection of its own. With SQLite the process is alone.
#[derive(Debug, Default)]
pub(crate) struct Guard(Option<PoolConnection<Postgres>>);

impl Guard {
    /// Whether this relay is the one. Asks the connection each time: a lost one has lost the lock.
    pub(crate) async fn hold(&mut self, db: &Db) -> sqlx::Result<bool> {
        // Taken out first, so that the connection is closed if this is dropped or fails half way.
        let held = match self.0.take() {
            Some(own) => alive(own).await,
            None => None,
        };
        self.0 = match held {
            Some(own) => Some(own),
            None => match db.own().await? {
                Some(own) => lock(own).await?,
                None => return Ok(true),
            },
        };
        Ok(self.0.is_some())
    }

    /// Whether this relay was the one when it asked last.
    pub(crate) fn is_held(&self, db: &Db) -> bool {
        self.0.is_some() || matches!(db, Db::Sqlite { .. })
    }

    /// Lets another relay begin.
    pub(crate) fn release(&mut self) {
        self.0 = None;
    }
}

async fn alive(mut own: PoolConnection<Postgres>) -> Option<PoolConnection<Postgres>> {
    sqlx::query("select 1").execute(&mut *own).await.ok().map(|_| own)
}

async fn lock(mut own: PoolConnection<Postgres>) -> sqlx::Result<Option<PoolConnection<Postgres>>> {
    let text = "select pg_try_advisory_lock($1, hashtext(coalesce(current_schema(), '')))";
    let locked: bool = sqlx::query_scalar(text).bind(LOCK).fetch_one(&mut *own).await?;
    Ok(locked.then_some(own))
}
