//! Keeps [`Clock`] in step with the database, and its high-water mark in it.
//!
//! Every context's schema has the one-row table `clock_mark (id, at)`.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use opentelemetry::global;
use opentelemetry::metrics::Gauge;
use tessera_common::clock::{Clock, Timestamp};
use tessera_common::telemetry::METER;

use crate::database::{Conn, Db};
use crate::{affected, run};

/// How often the database's time is measured.
pub const MEASURE_EVERY: Duration = Duration::from_secs(10);

static OFFSET: LazyLock<Gauge<f64>> = LazyLock::new(|| {
    global::meter(METER)
        .f64_gauge("tessera.clock.offset")
        .with_unit("s")
        .with_description(
            "How far the time of the database, by which everything is decided, is ahead of this machine's",
        )
        .build()
});

/// Reads the mark of earlier runs, then measures: call once before serving.
///
/// # Errors
/// When the database does not answer.
pub async fn start(db: &Db, clock: &Clock) -> sqlx::Result<()> {
    let mark: Option<Timestamp> =
        run!(&mut db.read().await?, |e| sqlx::query_scalar("select at from clock_mark where id = 1")
            .fetch_optional(e))?;
    if let Some(mark) = mark {
        clock.never_before(mark);
    }
    measure(db, clock).await
}

/// Measures the database's time (PostgreSQL; SQLite has no other than the machine's) and stores the mark.
///
/// # Errors
/// When the database does not answer.
#[expect(clippy::disallowed_methods, reason = "the time a measurement takes is monotonic, not a time of day")]
pub async fn measure(db: &Db, clock: &Clock) -> sqlx::Result<()> {
    let mut conn = db.write().await?;
    if let Conn::Postgres(conn) = &mut conn {
        let asked = Instant::now();
        let told: Timestamp = sqlx::query_scalar("select clock_timestamp()").fetch_one(&mut **conn).await?;
        // The answer was true about half a round trip ago.
        clock.measured(told + asked.elapsed() / 2);
    }
    OFFSET.record((clock.now() - Clock::machine().now()).as_seconds_f64(), &[]);
    affected!(
        &mut conn,
        sqlx::query(
            "insert into clock_mark as c (id, at) values (1, $1) \
             on conflict (id) do update set at = excluded.at where c.at < excluded.at"
        )
        .bind(clock.now())
    )?;
    Ok(())
}
