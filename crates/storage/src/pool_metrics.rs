//! The connections of a database, as numbers for an operator.

use opentelemetry::{KeyValue, global};
use sqlx::{Connection, Database, Pool};
use tessera_common::telemetry::METER;

use crate::database::Db;
use crate::lender::Lender;

impl Db {
    /// Lets the numbers of the process tell how many connections this database has, under the name of its `context`. They are counted
    /// whenever somebody reads them; nothing is asked of the database.
    pub fn count_connections(&self, context: &'static str) {
        match self {
            Self::Postgres { statements, transactions } => {
                count_lender(statements.clone(), format!("{context}.statements"));
                count_pool(transactions.clone(), format!("{context}.transactions"));
            }
            Self::Sqlite { read, write } => {
                count_lender(read.clone(), format!("{context}.read"));
                count_pool(write.clone(), format!("{context}.write"));
            }
        }
    }
}

fn number(connections: usize) -> i64 {
    i64::try_from(connections).unwrap_or(i64::MAX)
}

fn count_lender<C: Connection + Sync + 'static>(lender: Lender<C>, name: String)
where
    C::Options: Sync,
{
    count(name, number(lender.most()), move || {
        let (open, used) = lender.open_and_used();
        (number(open), number(used))
    });
}

fn count_pool<D: Database>(pool: Pool<D>, name: String) {
    let most = i64::from(pool.options().get_max_connections());
    count(name, most, move || {
        let open = i64::from(pool.size());
        (open, open - number(pool.num_idle()).min(open))
    });
}

/// `open_and_used` is asked whenever somebody reads the numbers.
fn count(name: String, most: i64, open_and_used: impl Fn() -> (i64, i64) + Send + Sync + 'static) {
    let meter = global::meter(METER);
    let of_pool = KeyValue::new("db.client.connection.pool.name", name);
    let in_state = |state: &'static str| [of_pool.clone(), KeyValue::new("db.client.connection.state", state)];
    let (idle, used) = (in_state("idle"), in_state("used"));
    meter
        .i64_observable_up_down_counter("db.client.connection.max")
        .with_unit("{connection}")
        .with_description("Connections that a pool may have open")
        .with_callback(move |max| max.observe(most, std::slice::from_ref(&of_pool)))
        .build();
    meter
        .i64_observable_up_down_counter("db.client.connection.count")
        .with_unit("{connection}")
        .with_description("Connections that a pool has open, in use and idle")
        .with_callback(move |count| {
            let (open, in_use) = open_and_used();
            count.observe(open - in_use, &idle);
            count.observe(in_use, &used);
        })
        .build();
}
