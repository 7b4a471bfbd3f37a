//! Lines for people, or for collectors.

use std::fmt;
use std::io::IsTerminal as _;

use serde::Deserialize;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::filter::{FilterExt as _, FilterFn, LevelFilter, ParseError, filter_fn};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{self as line, FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

use super::OURS;
use super::trace_context::current;

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

/// The lines of a process, written to `sink`.
pub(super) fn lines<S, W>(settings: &LogSettings, sink: W) -> Result<Box<dyn Layer<S> + Send + Sync>, ParseError>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let filter = EnvFilter::builder().parse(&settings.level)?.or(our_spans()).and(discreet());
    Ok(match settings.format {
        LogFormat::Json => {
            let layer = line::layer().json().flatten_event(true).map_event_format(Json);
            layer.with_writer(sink).with_filter(filter).boxed()
        }
        LogFormat::Pretty => {
            let to_a_person = std::io::stdout().is_terminal();
            let layer = line::layer().with_target(false).with_ansi(to_a_person).map_event_format(Pretty);
            layer.with_writer(sink).with_filter(filter).boxed()
        }
    })
}

/// Whatever the levels are: a line carries the fields of the request that it belongs to, and a trace goes through.
fn our_spans() -> FilterFn<fn(&Metadata<'_>) -> bool> {
    let ours: fn(&Metadata<'_>) -> bool =
        |metadata| metadata.is_span() && *metadata.level() <= Level::INFO && metadata.target().starts_with(OURS);
    filter_fn(ours).with_max_level_hint(LevelFilter::INFO)
}

/// What the levels cannot turn on: crates that write the messages they carry, or the password they sign in with, into the log.
const TALKATIVE: &str = "lapin";

fn discreet() -> FilterFn<fn(&Metadata<'_>) -> bool> {
    let discreet: fn(&Metadata<'_>) -> bool = |metadata| !metadata.target().starts_with(TALKATIVE);
    // It takes levels away and adds none. Without a hint of its own the others' would count for nothing beside it.
    filter_fn(discreet).with_max_level_hint(LevelFilter::TRACE)
}

/// Adds the ids of the trace in front of the other members.
struct Json<F>(F);

/// Adds the ids of the trace in front of the line.
struct Pretty<F>(F);

impl<S, N, F> FormatEvent<S, N> for Json<F>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'w> FormatFields<'w> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let Some(trace) = current() else { return self.0.format_event(ctx, writer, event) };
        let mut line = String::new();
        self.0.format_event(ctx, Writer::new(&mut line), event)?;
        write!(writer, "{{\"trace_id\":\"{}\",", trace.trace_id())?;
        if !trace.is_remote() {
            write!(writer, "\"span_id\":\"{}\",", trace.span_id())?;
        }
        writer.write_str(line.strip_prefix('{').unwrap_or(&line))
    }
}

impl<S, N, F> FormatEvent<S, N> for Pretty<F>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'w> FormatFields<'w> + 'static,
    F: FormatEvent<S, N>,
{
    fn format_event(&self, ctx: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        if let Some(trace) = current() {
            write!(writer, "trace_id={} ", trace.trace_id())?;
            if !trace.is_remote() {
                write!(writer, "span_id={} ", trace.span_id())?;
            }
        }
        self.0.format_event(ctx, writer, event)
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::Registry;

    use super::*;

    #[test]
    fn what_no_level_asks_for_is_off_at_its_source() {
        let most = |level: &str| {
            let settings = LogSettings { format: LogFormat::Json, level: level.to_owned() };
            lines::<Registry, _>(&settings, std::io::sink).expect("levels").max_level_hint()
        };
        for (level, expected) in [
            // Our spans are there at every level.
            ("off", LevelFilter::INFO),
            ("warn", LevelFilter::INFO),
            ("info,actix_server=warn", LevelFilter::INFO),
            ("info,tessera_auth=debug", LevelFilter::DEBUG),
            ("trace", LevelFilter::TRACE),
        ] {
            assert_eq!(most(level), Some(expected), "{level}");
        }
    }
}
