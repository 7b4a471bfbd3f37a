//! What nobody else may read on the way to the broker.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use lapin::uri::{AMQPScheme, AMQPUri};
use rcgen::CertifiedKey;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tessera_messaging::rabbitmq::LinkState;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::delivery::{envelope, publish};
use super::stage::{Stage, until};

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
    publish(&end.bus, &envelope(stage, stage.world.aggregate(), 1)).await;
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
