//! One relay of a service at a time. This only keeps the order: two at once would repeat messages, not lose any.

use tessera_storage::{Conn, Db};

/// Names the advisory lock, with the schema that the outbox is in: services that share a database do not wait for each other.
const LOCK: i32 = 0x7465_7373;

/// Holds, with PostgreSQL, a lock that belongs to a connection of its own. With SQLite the process is alone.
#[derive(Debug, Default)]
pub(crate) struct Guard(Option<Conn>);

impl Guard {
    /// Whether this relay is the one. Asks the connection each time: a lost one has lost the lock.
    pub(crate) async fn hold(&mut self, db: &Db) -> sqlx::Result<bool> {
        if matches!(db, Db::Sqlite { .. }) {
            return Ok(true);
        }
        // Taken out first, so that the connection is closed if this is dropped or fails half way.
        let held = match self.0.take() {
            Some(conn) => alive(conn).await,
            None => None,
        };
        self.0 = match held {
            Some(conn) => Some(conn),
            None => lock(db.write().await?).await?,
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

async fn alive(mut conn: Conn) -> Option<Conn> {
    if let Conn::Postgres(postgres) = &mut conn {
        sqlx::query("select 1").execute(&mut **postgres).await.ok()?;
    }
    Some(conn)
}

async fn lock(mut conn: Conn) -> sqlx::Result<Option<Conn>> {
    if let Conn::Postgres(postgres) = &mut conn {
        // Closed when dropped: back in the pool it would keep the lock.
        postgres.close_on_drop();
        let text = "select pg_try_advisory_lock($1, hashtext(coalesce(current_schema(), '')))";
        let locked: bool = sqlx::query_scalar(text).bind(LOCK).fetch_one(&mut **postgres).await?;
        if !locked {
            return Ok(None);
        }
    }
    Ok(Some(conn))
}
