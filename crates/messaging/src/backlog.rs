//! What waits in the tables of messaging, as numbers for an operator.
//!
//! They take SQL, so they are measured now and then, and not when somebody reads them.

use std::sync::LazyLock;
use std::time::Duration;

use opentelemetry::metrics::Gauge;
use opentelemetry::{KeyValue, global};
use tessera_common::clock::{Clock, Timestamp};
use tessera_common::telemetry::METER;
use tessera_storage::Db;
use tokio::sync::watch;

use crate::{dead_letters, durable_call, outbox};

/// How often it is measured.
pub const MEASURE_EVERY: Duration = Duration::from_secs(10);

/// How many rows wait, and since when the oldest does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Waiting {
    /// How many.
    pub number: i64,
    /// When the oldest was written.
    pub since: Option<Timestamp>,
}

impl Waiting {
    /// How long the oldest has waited, in seconds; 0 when none waits.
    #[must_use]
    pub fn age_s(&self, now: Timestamp) -> f64 {
        self.since.map_or(0.0, |since| (now - since).as_seconds_f64().max(0.0))
    }
}

static OUTBOX_WAITING: LazyLock<Gauge<i64>> =
    LazyLock::new(|| number("tessera.outbox.waiting", "{event}", "Events that were not published yet"));
static OUTBOX_AGE: LazyLock<Gauge<f64>> =
    LazyLock::new(|| age("tessera.outbox.age", "How long the oldest unpublished event has waited"));
static CALLS_WAITING: LazyLock<Gauge<i64>> =
    LazyLock::new(|| number("tessera.durable_calls.waiting", "{call}", "Durable calls that were not acknowledged yet"));
static CALLS_AGE: LazyLock<Gauge<f64>> =
    LazyLock::new(|| age("tessera.durable_calls.age", "How long the oldest unacknowledged call has waited"));
static DEAD_LETTERS: LazyLock<Gauge<i64>> =
    LazyLock::new(|| number("tessera.dead_letters", "{event}", "Events that a consumer could not take"));

fn number(name: &'static str, unit: &'static str, description: &'static str) -> Gauge<i64> {
    global::meter(METER).i64_gauge(name).with_unit(unit).with_description(description).build()
}

fn age(name: &'static str, description: &'static str) -> Gauge<f64> {
    global::meter(METER).f64_gauge(name).with_unit("s").with_description(description).build()
}

/// Measures what waits in the database of `context`, again and again, until `stop` is true or its sender is gone.
pub async fn watch(db: Db, clock: Clock, context: &'static str, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = measure(&db, clock.now(), context).await {
            tracing::warn!(%error, context, "what waits cannot be measured; the numbers are old");
        }
        tokio::select! {
            () = tokio::time::sleep(MEASURE_EVERY) => {}
            stopped = stop.changed() => if stopped.is_err() { break },
        }
    }
}

async fn measure(db: &Db, now: Timestamp, context: &'static str) -> sqlx::Result<()> {
    let whose = [KeyValue::new("tessera.context", context)];
    let events = outbox::unpublished(db).await?;
    OUTBOX_WAITING.record(events.number, &whose);
    OUTBOX_AGE.record(events.age_s(now), &whose);
    let calls = durable_call::unacknowledged(db).await?;
    CALLS_WAITING.record(calls.number, &whose);
    CALLS_AGE.record(calls.age_s(now), &whose);
    DEAD_LETTERS.record(dead_letters::count(db).await?, &whose);
    Ok(())
}
