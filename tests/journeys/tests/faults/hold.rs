//! A change in a service's database that waits, so that a process can be killed just before it.

use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tessera_journeys::{Service, Services, eventually};

const PATIENCE: Duration = Duration::from_secs(30);

/// The database of a service, as its own role.
pub async fn database(services: &Services, of: Service) -> PgConnection {
    PgConnection::connect(services.database(of)).await.expect("the database")
}

/// Changes of one table that get no further while this is held.
pub struct Hold {
    pub database: PgConnection,
    table: &'static str,
}

impl Hold {
    /// Holds the updates of a table of a service that `when` is true of, in the words of a trigger.
    pub async fn updates(services: &Services, of: Service, table: &'static str, when: &str) -> Self {
        let mut database = database(services, of).await;
        let held = format!(
            "create function wait() returns trigger language plpgsql as \
               $$ begin perform pg_advisory_xact_lock(1); return new; end $$; \
             create trigger wait before update on {table} for each row when ({when}) execute function wait(); \
             select pg_advisory_lock(1)"
        );
        sqlx::raw_sql(AssertSqlSafe(held)).execute(&mut database).await.expect("held");
        Self { database, table }
    }

    /// Waits until somebody has come so far.
    pub async fn reached(&mut self) {
        let text = "select exists (select 1 from pg_locks where locktype = 'advisory' and not granted and database = \
                    (select oid from pg_database where datname = current_database()))";
        eventually("a change that waits", PATIENCE, async || {
            let waits: bool = sqlx::query_scalar(text).fetch_one(&mut self.database).await.expect("an answer");
            waits.then_some(())
        })
        .await;
    }

    /// Lets everybody go on.
    pub async fn let_go(mut self) {
        let text = format!("select pg_advisory_unlock(1); drop trigger wait on {}; drop function wait()", self.table);
        sqlx::raw_sql(AssertSqlSafe(text)).execute(&mut self.database).await.expect("let go");
    }
}
