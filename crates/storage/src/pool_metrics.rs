//! The connections of a database, as numbers for an operator.

use opentelemetry::{KeyValue, global};
use sqlx::{Database, Pool};
use tessera_common::telemetry::METER;

use crate::database::Db;

impl Db {
    /// Lets the numbers of the process tell how many connections this database has, under the name of its `context`. They are counted
    /// whenever somebody reads them; nothing is asked of the database.
    pub fn count_connections(&self, context: &'static str) {
        match self {
            Self::Postgres(pool) => count(pool.clone(), context.to_owned()),
            Self::Sqlite { read, write } => {
                count(read.clone(), format!("{context}.read"));
                count(write.clone(), format!("{context}.write"));
            }
        }
    }
}

fn count<D: Database>(pool: Pool<D>, name: String) {
    let meter = global::meter(METER);
    let of_pool = KeyValue::new("db.client.connection.pool.name", name);
    let in_state = |state: &'static str| [of_pool.clone(), KeyValue::new("db.client.connection.state", state)];
    let (idle, used) = (in_state("idle"), in_state("used"));
    let most = i64::from(pool.options().get_max_connections());
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
            let open = i64::from(pool.size());
            let unused = i64::try_from(pool.num_idle()).unwrap_or(i64::MAX).min(open);
            count.observe(unused, &idle);
            count.observe(open - unused, &used);
        })
        .build();
}
