//! Logs, traces and metrics of a process: where they go and in which form.
//!
//! Never in any of them, at any level: passwords, codes, tokens, cookies, `Authorization`, seeds, mailed links, whole phone numbers or
//! mail addresses. Types that hold one of these do not print it; requests are named by their route, never by their path or query.

mod export;
mod log;
mod metrics;
mod settings;
mod trace_context;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::level_filters::LevelFilter;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

pub use log::{LogFormat, LogSettings};
pub use metrics::{METER, prometheus_text};
pub use settings::{OtlpEndpoint, SampleRatio, TelemetrySettings};
pub use trace_context::{follow, traceparent};

/// How long the end of a process waits for the last traces and metrics to be taken.
const LAST_WORD: Duration = Duration::from_secs(2);

/// What the names of our crates, and so the targets of our spans, begin with. Nothing of other crates becomes a trace.
const OURS: &str = "tessera";

/// The running telemetry of a process. Dropped, it sends what is left, for at most two seconds: hold it until everything else has
/// ended, outside of the runtime.
#[derive(Debug)]
#[must_use = "dropped at once, it ends the sending of traces and metrics"]
pub struct Telemetry {
    traces: Option<SdkTracerProvider>,
    metrics: SdkMeterProvider,
}

/// Starts logs to `sink`, and traces and metrics as `settings` say, for the whole process, which is called `process` unless they name it.
/// A collector's certificate must be issued by one of `authorities` (PEM), or by one of the system's where none are given. Call it outside of the
/// runtime.
///
/// # Errors
/// When the levels cannot be read, the collector's address or the authorities cannot be used, or this was called before.
pub fn init<W>(
    log: &LogSettings,
    settings: &TelemetrySettings,
    authorities: Option<&[u8]>,
    process: &'static str,
    sink: W,
) -> Result<Telemetry, Box<dyn std::error::Error + Send + Sync>>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let resource = export::resource(settings, process);
    let traces = export::traces(settings, authorities, &resource)?;
    let lines = log::lines(log, sink)?;
    let spans = traces.as_ref().map(|traces| {
        OpenTelemetryLayer::new(traces.tracer(METER))
            .with_context_activation(false)
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(Targets::new().with_target(OURS, LevelFilter::INFO))
    });
    tracing_subscriber::registry().with(spans).with(lines).try_init()?;
    let metrics = metrics::start(export::metrics(settings, authorities)?, resource)?;
    Ok(Telemetry { traces, metrics })
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        let (traces, metrics) = (self.traces.take(), self.metrics.clone());
        let (done, both) = mpsc::channel();
        // On threads of their own, for not everything in there keeps to its time; and side by side, for both may have to wait. What
        // cannot be sent now is lost: whoever reads it has been without it already, and a process must end.
        thread::spawn(move || {
            let metrics = thread::spawn(move || metrics.shutdown());
            if let Some(traces) = traces {
                let _ = traces.shutdown();
            }
            let _ = metrics.join();
            let _ = done.send(());
        });
        let _ = both.recv_timeout(LAST_WORD);
    }
}
