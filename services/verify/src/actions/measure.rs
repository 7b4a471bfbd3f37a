//! What waits to be sent, as numbers for an operator.

use std::sync::LazyLock;

use opentelemetry::global;
use opentelemetry::metrics::Gauge;
use tessera_common::telemetry::METER;

use crate::store::delivery_rows;
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

/// Counts the messages that wait. It takes SQL, so it is done now and then, and not when somebody reads the numbers.
pub async fn measure(verify: &Verify) -> sqlx::Result<()> {
    let waiting = delivery_rows::waiting(&mut verify.db.read().await?).await?;
    WAITING.record(waiting.number, &[]);
    AGE.record(waiting.age_s(verify.clock.now()), &[]);
    Ok(())
}
