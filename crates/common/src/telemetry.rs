//! Logs: where they go and in which form.
//!
//! Never logged, at any level: passwords, codes, tokens, cookies, `Authorization`, seeds, mailed links, whole phone numbers or mail
//! addresses. Types that hold one of these do not print it; requests are logged by path, never with their query.

use std::io::IsTerminal as _;

use serde::Deserialize;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, fmt};

/// The form of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line, for collectors.
    Json,
    /// For people.
    Pretty,
}

/// What is logged, and how.
#[derive(Clone, Debug, Deserialize)]
pub struct LogSettings {
    /// The form of a line.
    pub format: LogFormat,
    /// Levels, as `info` or `info,tessera_auth=debug`.
    pub level: String,
}

/// Starts logging to `sink`, for the whole process.
///
/// # Errors
/// When the levels cannot be read, or logging was started before.
pub fn init<W>(settings: &LogSettings, sink: W) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::builder().parse(&settings.level)?;
    let lines = match settings.format {
        LogFormat::Json => fmt::layer().json().flatten_event(true).with_writer(sink).boxed(),
        LogFormat::Pretty => {
            let to_a_person = std::io::stdout().is_terminal();
            fmt::layer().with_target(false).with_ansi(to_a_person).with_writer(sink).boxed()
        }
    };
    tracing_subscriber::registry().with(lines.with_filter(filter)).try_init()?;
    Ok(())
}
