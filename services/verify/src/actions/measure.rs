//! What waits to be sent, and whom nothing can be sent to, as numbers for an operator.

use std::sync::LazyLock;

use opentelemetry::metrics::Gauge;
use opentelemetry::{KeyValue, global};
use tessera_common::telemetry::METER;

use crate::domain::message::Channel;
use crate::store::{delivery_rows, undeliverable_rows};
use crate::verify::Verify;

static WAITING: LazyLock<Gauge<i64>> = LazyLock::new(|| {
    global::meter(METER)
        .i64_gauge("tessera.deliveries.waiting")
        .with_unit("{message}")
        .with_description("Messages to people that were not sent yet")
        .build()
});

static AGE: LazyLock<Gauge<f64>> = LazyLock::new(|| {
    global::meter(METER)
        .f64_gauge("tessera.deliveries.age")
        .with_unit("s")
        .with_description("How long the oldest message that was not sent has waited")
        .build()
});

static UNDELIVERABLE: LazyLock<Gauge<i64>> = LazyLock::new(|| {
    global::meter(METER)
        .i64_gauge("tessera.deliveries.undeliverable")
        .with_unit("{recipient}")
        .with_description("Addresses and numbers that a provider has refused for good, by channel")
        .build()
});

/// Counts both. It takes SQL, so it is done now and then, and not when somebody reads the numbers.
pub async fn measure(verify: &Verify) -> sqlx::Result<()> {
    let mut conn = verify.db.read().await?;
    let waiting = delivery_rows::waiting(&mut conn).await?;
    WAITING.record(waiting.number, &[]);
    AGE.record(waiting.age_s(verify.clock.now()), &[]);
    for channel in [Channel::Email, Channel::Sms] {
        let number = undeliverable_rows::count(&mut conn, channel).await?;
        UNDELIVERABLE.record(number, &[KeyValue::new("verify.channel", channel.name())]);
    }
    Ok(())
}
