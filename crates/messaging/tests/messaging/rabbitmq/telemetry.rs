//! What is told of the bus, and what is not: its series, and its log.

use std::io::Write;
use std::sync::{Arc, Mutex};

use lapin::types::FieldTable;
use lapin::uri::AMQPUri;
use tessera_common::telemetry::{self, LogFormat, LogSettings, TelemetrySettings};
use tessera_messaging::{Envelope, Event as _};
use tracing_subscriber::fmt::MakeWriter;

use super::delivery::envelope;
use super::stage::{Stage, play, until};
use crate::support::{Happened, with_sqlite};

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Captured {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

/// The client library writes whole frames into the log, as numbers: messages that came back, and the password. Logs and series are
/// started once for a process, so one test looks at both.
#[test]
fn the_log_and_the_series_tell_what_happens_and_no_secret() {
    const PLANTED: &[u8] = b"planted@example.org";
    let log = LogSettings { format: LogFormat::Json, level: "trace,lapin::returned_messages=trace".to_owned() };
    let captured = Captured::default();
    let _telemetry = telemetry::init(&log, &TelemetrySettings::default(), None, "test", captured.clone()).unwrap();
    let played = Mutex::new(None);
    let returned = async |stage: &mut Stage| {
        stage.world.subscribe("test.a");
        stage.gate.shut();
        stage.end.start();
        stage.end.bus.publish(&envelope(stage, stage.world.aggregate(), 1)).await.unwrap_err();
        assert!(
            links_are(0) && !series("tessera_bus_unconfirmed_age_seconds").contains(" 0\n"),
            "{}",
            series("tessera_bus")
        );
        stage.gate.open();
        until("both connections are told of", async || links_are(1)).await;
        let sent = Envelope { body: PLANTED.to_vec(), ..envelope(stage, stage.world.aggregate(), 1) };
        let events = format!("{}.events", stage.namespace);
        // Again and again: the bindings are back at once. The queues stay, for a broker of 3.10 does not survive it well when those
        // that are in use are deleted.
        until("a message came back", async || {
            for consumer in ["test.a", "test.b"] {
                let (queue, exchange, key) = (stage.queue(consumer), events.as_str(), Happened::TYPE);
                let unbind =
                    stage.operator.queue_unbind(queue.into(), exchange.into(), key.into(), FieldTable::default());
                unbind.await.unwrap();
            }
            drop(stage.end.bus.publish(&sent).await);
            captured.text().contains("no queue took an event")
        })
        .await;
        let uri: AMQPUri = stage.gate.url().parse().unwrap();
        *played.lock().unwrap() = Some(uri.authority.userinfo.password);
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(with_sqlite(async |db| play(db, returned).await));
    let Some(password) = played.into_inner().unwrap() else { return };
    let log = captured.text();
    for secret in [PLANTED, password.as_bytes()] {
        let numbers: Vec<_> = secret.iter().map(u8::to_string).collect();
        assert!(!log.contains(&numbers.join(", ")), "as numbers: {secret:?}");
    }
    assert!(!log.contains("planted@example.org"));
}

/// The lines of a series.
fn series(name: &str) -> String {
    let text = telemetry::prometheus_text().unwrap();
    text.lines().filter(|line| line.starts_with(name)).map(|line| format!("{line}\n")).collect()
}

fn links_are(number: u8) -> bool {
    let connected = series("tessera_bus_connected");
    ["publishing", "consuming"]
        .iter()
        .all(|link| connected.contains(&format!("{{tessera_bus_connection=\"{link}\"}} {number}\n")))
}
