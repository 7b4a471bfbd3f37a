//! What nobody else may read: on the way to the broker, and in the log.

use std::io::Write;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use lapin::options::QueueDeleteOptions;
use lapin::uri::{AMQPScheme, AMQPUri};
use rcgen::CertifiedKey;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tessera_common::telemetry::{self, LogFormat, LogSettings, OtlpEndpoint, SampleRatio, TelemetrySettings};
use tessera_messaging::Envelope;
use tessera_messaging::rabbitmq::LinkState;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tracing_subscriber::fmt::MakeWriter;

use super::delivery::envelope;
use super::stage::{Stage, play, until};
use crate::support::with_sqlite;

over_rabbitmq!(a_broker_is_trusted_by_the_authority_that_was_named_and_by_its_name);

/// TLS in front of the broker, with a certificate for `name`.
struct TlsGate {
    url: String,
    certificate: CertifiedKey<rcgen::KeyPair>,
    refusals: Arc<AtomicU32>,
}

impl TlsGate {
    async fn to(broker: &str, name: &str) -> Self {
        let certificate = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let key = PrivateKeyDer::Pkcs8(certificate.signing_key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.cert.der().clone()], key)
            .unwrap();
        let (acceptor, listener) =
            (TlsAcceptor::from(Arc::new(config)), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let mut uri: AMQPUri = broker.parse().unwrap();
        let (host, port) = (uri.authority.host.clone(), uri.authority.port);
        uri.scheme = AMQPScheme::AMQPS;
        uri.authority.host = "localhost".to_owned();
        uri.authority.port = listener.local_addr().unwrap().port();
        let refusals = Arc::new(AtomicU32::new(0));
        let refused = refusals.clone();
        tokio::spawn(async move {
            while let Ok((service, _)) = listener.accept().await {
                let (acceptor, refused, broker) = (acceptor.clone(), refused.clone(), (host.clone(), port));
                tokio::spawn(async move {
                    match acceptor.accept(service).await {
                        Ok(mut service) => {
                            let mut broker = TcpStream::connect(broker).await.unwrap();
                            drop(copy_bidirectional(&mut service, &mut broker).await);
                        }
                        Err(_) => drop(refused.fetch_add(1, Ordering::SeqCst)),
                    }
                });
            }
        });
        Self { url: uri.to_string(), certificate, refusals }
    }

    fn authority(&self) -> Option<Vec<u8>> {
        Some(self.certificate.cert.pem().into_bytes())
    }
}

async fn a_broker_is_trusted_by_the_authority_that_was_named_and_by_its_name(stage: &mut Stage) {
    let gate = TlsGate::to(&stage.gate.url(), "localhost").await;
    let witness = stage.world.witness("test.a");
    let mut end = stage.end_at(&gate.url, gate.authority());
    end.bus.subscribe(witness.clone());
    end.start();
    end.is_up().await;
    end.bus.publish(&envelope(stage, stage.world.aggregate(), 1)).await.unwrap();
    until("it is consumed", async || witness.applied() == [1]).await;
    end.stop().await;
    assert_eq!(gate.refusals.load(Ordering::SeqCst), 0);

    let other = TlsGate::to(&stage.gate.url(), "broker.example").await;
    for (place, authority) in [(&gate, other.authority()), (&other, other.authority())] {
        let mut end = stage.end_at(&place.url, authority);
        let before = place.refusals.load(Ordering::SeqCst);
        end.start();
        until("it does not trust", async || place.refusals.load(Ordering::SeqCst) > before + 1).await;
        assert_eq!(end.status().publishing.state, LinkState::Down);
        end.stop().await;
    }
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

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

/// The client library writes whole frames into the log, as numbers: messages that came back, and the password.
#[test]
fn neither_what_is_sent_nor_the_password_is_logged() {
    const PLANTED: &[u8] = b"planted@example.org";
    let log = LogSettings { format: LogFormat::Json, level: "trace,lapin::returned_messages=trace".to_owned() };
    let nothing_sent = TelemetrySettings {
        otlp_endpoint: OtlpEndpoint::default(),
        service_name: String::new(),
        sample_ratio: SampleRatio::ALL,
    };
    let captured = Captured::default();
    let _telemetry = telemetry::init(&log, &nothing_sent, None, "test", captured.clone()).unwrap();
    let played = Mutex::new(None);
    let returned = async |stage: &mut Stage| {
        stage.end.start();
        stage.end.is_up().await;
        for consumer in ["test.a", "test.b"] {
            stage.operator.queue_delete(stage.queue(consumer).into(), QueueDeleteOptions::default()).await.unwrap();
        }
        let sent = Envelope { body: PLANTED.to_vec(), ..envelope(stage, stage.world.aggregate(), 1) };
        stage.end.bus.publish(&sent).await.unwrap_err();
        let uri: AMQPUri = stage.gate.url().parse().unwrap();
        *played.lock().unwrap() = Some(uri.authority.userinfo.password);
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(with_sqlite(async |db| play(db, returned).await));
    let Some(password) = played.into_inner().unwrap() else { return };

    let log = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("no queue took an event"), "what happened is told");
    for secret in [PLANTED, password.as_bytes()] {
        let numbers: Vec<_> = secret.iter().map(u8::to_string).collect();
        assert!(!log.contains(&numbers.join(", ")), "as numbers: {secret:?}");
    }
    assert!(!log.contains("planted@example.org"));
}
