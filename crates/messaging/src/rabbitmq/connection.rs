//! One connection to the broker, over TCP or TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use lapin::tcp::{RustlsConnector, RustlsConnectorConfig};
use lapin::uri::{AMQPScheme, AMQPUri};
use lapin::{AsyncTcpStream, Channel, Connection, ConnectionProperties};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use secrecy::ExposeSecret as _;
use tokio::time::{interval, timeout};

use super::settings::{RabbitMqError, RabbitMqSettings};

/// How long connecting may take, greeting included.
const CONNECT_TIME: Duration = Duration::from_secs(5);

/// How long setting up a connection may take: opening channels, declaring, consuming.
const SET_UP_TIME: Duration = Duration::from_secs(20);

/// How often a connection is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// How long closing may take.
const CLOSE_TIME: Duration = Duration::from_secs(2);

/// Seconds between signs of life, if the URL does not say: a dead connection is noticed after two of them.
const HEARTBEAT_S: u16 = 5;

/// The largest frame, in bytes, if the URL does not say; a longer message goes in several. For each connection the library keeps room for
/// 64 frames, which with the usual 128 KiB would be most of what a service takes.
const FRAME_MAX: u32 = 16 * 1024;

/// Why a connection, or something on it, ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The broker or the connection says so.
    #[error(transparent)]
    Amqp(#[from] lapin::Error),
    /// Nobody says anything.
    #[error("{0} took too long")]
    TimeOut(&'static str),
    /// The broker took a queue away from its consumer.
    #[error("the queue {0} is gone")]
    QueueGone(String),
    /// The connection is down without a reason.
    #[error("the connection is lost")]
    Lost,
}

/// Where the broker is. Not printable: it holds a password.
pub(super) struct Address {
    uri: AMQPUri,
    tls: Option<Arc<RustlsConnector>>,
}

impl Address {
    pub(super) fn of(settings: &RabbitMqSettings) -> Result<Self, RabbitMqError> {
        let mut uri: AMQPUri = settings.url.expose_secret().parse().map_err(|_| RabbitMqError::Url)?;
        uri.query.heartbeat.get_or_insert(HEARTBEAT_S);
        uri.query.frame_max.get_or_insert(FRAME_MAX);
        let tls = match uri.scheme {
            AMQPScheme::AMQP => None,
            AMQPScheme::AMQPS => Some(Arc::new(connector(settings)?)),
        };
        Ok(Self { uri, tls })
    }

    /// Connects; `name` is shown to the broker's operator. The library's own recovery stays off: it does not cover all that
    /// can fail, so a supervisor does.
    pub(super) async fn connect(&self, name: String) -> Result<Connection, Failure> {
        let tls = self.tls.clone();
        let dial = async move |uri: AMQPUri, runtime| {
            let dialled = async {
                let host = uri.authority.host.as_str();
                let found: Vec<SocketAddr> = tokio::net::lookup_host((host, uri.authority.port)).await?.collect();
                let stream = AsyncTcpStream::connect(&runtime, found).await?;
                match &tls {
                    Some(tls) => stream.into_rustls(tls, host).await,
                    None => Ok(stream),
                }
            };
            let dialled = timeout(CONNECT_TIME, dialled).await.map_err(|_| std::io::ErrorKind::TimedOut.into());
            Ok(dialled.flatten()?)
        };
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let connected = Connection::connector(self.uri.clone(), lapin::runtime::default_runtime()?, dial, properties);
        Ok(timeout(CONNECT_TIME, connected).await.map_err(|_| Failure::TimeOut("connecting"))??)
    }
}

/// Sets something up on a connection. The library may wait for ever for an answer on one that has ended meanwhile.
pub(super) async fn set_up<T>(
    connection: &Connection,
    setting_up: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        done = timeout(SET_UP_TIME, setting_up) => done.map_err(|_| Failure::TimeOut("setting up"))?,
        failure = lost(connection, &[]) => Err(failure),
    }
}

/// Resolves when the connection, or one of these channels on it, has ended: not every end is told.
pub(super) async fn lost(connection: &Connection, channels: &[Channel]) -> Failure {
    let mut look = interval(LOOK);
    loop {
        look.tick().await;
        if !connection.status().connected() || !channels.iter().all(|channel| channel.status().connected()) {
            return Failure::Lost;
        }
    }
}

/// Says goodbye, so that what is unacknowledged goes back into its queues at once.
pub(super) async fn close(connection: &Connection) {
    // One that cannot be closed is dropped: the broker notices.
    drop(timeout(CLOSE_TIME, connection.close(200, "stopping".into())).await);
}

fn connector(settings: &RabbitMqSettings) -> Result<RustlsConnector, RabbitMqError> {
    let config = match &settings.authorities {
        Some(pem) => {
            let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
            let found = found.map_err(|error| RabbitMqError::Authorities(error.to_string()))?;
            RustlsConnectorConfig::default().with_parsable_certificates(found)
        }
        None => RustlsConnectorConfig::new_with_platform_verifier(),
    };
    config.connector_with_no_client_auth().map_err(|error| RabbitMqError::Authorities(error.to_string()))
}
