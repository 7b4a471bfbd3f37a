//! Numbers: readable here by a scraper, and sent to the collector if there is one.
//!
//! An instrument is declared beside what it measures: `opentelemetry::global::meter(METER)`, with its unit and description, in a
//! `LazyLock` or where the measured thing is built; both come after [`init`](super::init). `docs/operations.md` lists all of them.

use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::global;
use opentelemetry_otlp::MetricExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::metrics::{PeriodicReader, SdkMeterProvider};
use prometheus::{Registry, TextEncoder};

use crate::clock::Clock;

/// The name of our instruments' scope, and of our spans'.
pub const METER: &str = "tessera";

/// How often numbers are sent.
const SEND_EVERY: Duration = Duration::from_secs(30);

static READABLE: OnceLock<Registry> = OnceLock::new();

/// Every series of this process in Prometheus' text form. Empty where telemetry was not started.
///
/// # Errors
/// When a value cannot be written in that form.
pub fn prometheus_text() -> Result<String, prometheus::Error> {
    let families = READABLE.get().map(Registry::gather).unwrap_or_default();
    TextEncoder::new().encode_to_string(&families)
}

/// Starts the numbers of this process.
pub(super) fn start(
    exporter: Option<MetricExporter>,
    resource: Resource,
) -> Result<SdkMeterProvider, Box<dyn std::error::Error + Send + Sync>> {
    let registry = Registry::new();
    let readable =
        opentelemetry_prometheus::exporter().with_registry(registry.clone()).scope_info_enabled(false).build()?;
    let mut provider = SdkMeterProvider::builder().with_resource(resource).with_reader(readable);
    if let Some(exporter) = exporter {
        provider = provider.with_reader(PeriodicReader::builder(exporter).with_interval(SEND_EVERY).build());
    }
    let provider = provider.build();
    global::set_meter_provider(provider.clone());
    READABLE.get_or_init(|| registry);
    measure_process();
    Ok(provider)
}

fn measure_process() {
    let started = Clock::machine().now().timestamp();
    global::meter(METER)
        .i64_observable_gauge("process.start_time")
        .with_unit("s")
        .with_description("When this process started, in seconds since 1970")
        .with_callback(move |gauge| gauge.observe(started, &[]))
        .build();
}
