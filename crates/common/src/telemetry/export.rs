//! Sending traces and metrics to a collector: OTLP, protocol buffers over HTTP.
//!
//! Both are sent from threads of their own with clients of their own, in batches. A request only puts its spans into a queue of bounded
//! length; if that is full, because the collector is slow or dead, spans are dropped.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry_otlp::{MetricExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{BatchSpanProcessor, Sampler, SdkTracerProvider, SpanData, SpanExporter};
use reqwest::blocking::Client;
use reqwest::{Certificate, redirect};

use super::TelemetrySettings;

/// Why what is set cannot be used.
type Unusable = Box<dyn std::error::Error + Send + Sync>;

/// How long one batch may take. Meanwhile the next ones wait in the queue.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is said of the process with all it sends.
pub(super) fn resource(settings: &TelemetrySettings, process: &'static str) -> Resource {
    let name = if settings.service_name.is_empty() { process.to_owned() } else { settings.service_name.clone() };
    let version = opentelemetry::KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
    Resource::builder().with_service_name(name).with_attribute(version).build()
}

/// The pipeline of traces, if there is a collector.
///
/// A trace that somebody else began is kept if they keep it; of ours, as many as the settings say.
pub(super) fn traces(
    settings: &TelemetrySettings,
    authorities: Option<&[u8]>,
    resource: &Resource,
) -> Result<Option<SdkTracerProvider>, Unusable> {
    let Some(endpoint) = settings.otlp_endpoint.of("traces") else { return Ok(None) };
    let exporter = opentelemetry_otlp::SpanExporter::builder().with_http().with_http_client(client(authorities)?);
    let exporter = exporter.with_endpoint(endpoint).with_timeout(PATIENCE).build()?;
    let exporter = Warning { exporter, failing: AtomicBool::new(false) };
    let ours = Sampler::TraceIdRatioBased(settings.sample_ratio.get());
    let provider = SdkTracerProvider::builder()
        .with_span_processor(BatchSpanProcessor::builder(exporter).build())
        .with_sampler(Sampler::ParentBased(Box::new(ours)))
        .with_resource(resource.clone());
    Ok(Some(provider.build()))
}

/// The way of metrics to the collector, if there is one.
pub(super) fn metrics(
    settings: &TelemetrySettings,
    authorities: Option<&[u8]>,
) -> Result<Option<MetricExporter>, Unusable> {
    let Some(endpoint) = settings.otlp_endpoint.of("metrics") else { return Ok(None) };
    let exporter = MetricExporter::builder().with_http().with_http_client(client(authorities)?);
    Ok(Some(exporter.with_endpoint(endpoint).with_timeout(PATIENCE).build()?))
}

/// A client for the collector alone. It follows no redirect: what it sends is for nobody else.
fn client(authorities: Option<&[u8]>) -> reqwest::Result<Client> {
    let client = Client::builder().timeout(PATIENCE).redirect(redirect::Policy::none());
    match authorities {
        Some(pem) => client.tls_certs_only(Certificate::from_pem_bundle(pem)?).build(),
        None => client.build(),
    }
}

/// Warns once when the collector begins to fail, and not again before it has taken something.
#[derive(Debug)]
struct Warning {
    exporter: opentelemetry_otlp::SpanExporter,
    failing: AtomicBool,
}

impl SpanExporter for Warning {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let outcome = self.exporter.export(batch).await;
        match (&outcome, self.failing.swap(outcome.is_err(), Ordering::Relaxed)) {
            (Err(error), false) => {
                tracing::warn!(%error, "the collector takes no traces; they are dropped until it does")
            }
            (Ok(()), true) => tracing::info!("the collector takes traces again"),
            _ => {}
        }
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}
