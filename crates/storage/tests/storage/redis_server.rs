//! A namespace of Redis per test, gone when the test is, and a proxy in front of the server that does what networks do.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Duration;

use futures::FutureExt as _;
use redis::aio::MultiplexedConnection;
use tessera_common::random::Random;
use tessera_storage::Cache;
use tessera_storage::cache::RedisSettings;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// How long a call may take where nothing hangs: a busy machine is no reason to count without Redis.
const PATIENCE: Duration = Duration::from_secs(10);

/// A namespace on the server of the tests.
pub struct Lent {
    url: String,
    pub namespace: String,
    pub connection: MultiplexedConnection,
}

/// Does nothing where the tests are told to leave Redis out.
pub async fn on_redis(test: impl AsyncFnOnce(&mut Lent)) {
    if std::env::var("TESSERA_TEST_REDIS").as_deref() == Ok("off") {
        return;
    }
    let url = std::env::var("TESSERA_TEST_REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:6379/0".to_owned());
    let client = redis::Client::open(url.clone()).unwrap();
    let connection = client.get_multiplexed_async_connection().await.expect("TESSERA_TEST_REDIS=off leaves Redis out");
    let namespace = format!("tessera_test_{}", u128::from_le_bytes(Random::system().bytes()));
    let mut lent = Lent { url, namespace, connection };
    let outcome = AssertUnwindSafe(test(&mut lent)).catch_unwind().await;
    lent.empty().await;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

impl Lent {
    /// A replica of a platform that has `instances` of them.
    pub fn replica(&self, instances: u32) -> Cache {
        replica(&self.namespace, &self.url, instances, None)
    }

    /// The same through a proxy.
    pub fn replica_through(&self, proxy: &Proxy, instances: u32) -> Cache {
        replica(&self.namespace, &self.through(proxy), instances, None)
    }

    /// The only one, as hasty as a service.
    pub fn hasty_replica_through(&self, proxy: &Proxy) -> Cache {
        replica_with(RedisSettings {
            patience: RedisSettings::PATIENCE,
            ..settings(&self.namespace, &self.through(proxy), 1)
        })
    }

    fn through(&self, proxy: &Proxy) -> String {
        let (scheme, rest) = self.url.split_once("://").unwrap();
        let (credentials, place) = rest.rsplit_once('@').unwrap_or(("", rest));
        let path = place.split_once('/').map_or("", |(_, path)| path);
        let at = if credentials.is_empty() { "" } else { "@" };
        format!("{scheme}://{credentials}{at}{}/{path}", proxy.address)
    }

    /// Where the server is, for a proxy to stand in front of it.
    pub fn address(&self) -> String {
        let place = self.url.rsplit(['/', '@']).find(|part| part.contains(':')).unwrap();
        place.to_owned()
    }

    pub async fn keys(&mut self) -> Vec<String> {
        let pattern = format!("{}:*", self.namespace);
        redis::cmd("KEYS").arg(pattern).query_async(&mut self.connection).await.unwrap()
    }

    /// `FLUSHALL` as far as this namespace sees it: a test does not empty a server that it was lent.
    pub async fn empty(&mut self) {
        let keys = self.keys().await;
        if !keys.is_empty() {
            redis::cmd("DEL").arg(keys).exec_async(&mut self.connection).await.unwrap();
        }
    }
}

pub fn replica(namespace: &str, url: &str, instances: u32, authorities: Option<Vec<u8>>) -> Cache {
    replica_with(RedisSettings { authorities, ..settings(namespace, url, instances) })
}

fn replica_with(settings: RedisSettings) -> Cache {
    Cache::redis(&settings, &Random::system()).unwrap()
}

fn settings(namespace: &str, url: &str, instances: u32) -> RedisSettings {
    RedisSettings {
        url: url.to_owned().into(),
        namespace: namespace.to_owned(),
        instances: NonZeroU32::new(instances).unwrap(),
        authorities: None,
        patience: PATIENCE,
    }
}

/// Where nobody listens.
pub async fn nowhere() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// What the network, or the server behind it, does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// All is well.
    Fine,
    /// Connections break.
    Down,
    /// Connections are taken, and nothing is ever answered.
    Hung,
    /// New connections reach the server; those that are there have become a replica's, which refuses to write.
    Demoted,
}

/// Stands between a replica and the server.
pub struct Proxy {
    pub address: SocketAddr,
    weather: watch::Sender<Weather>,
}

impl Proxy {
    pub async fn before(server: String, weather: Weather) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (weather, seen) = watch::channel(weather);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, server.clone(), seen.clone()));
            }
        });
        Self { address, weather }
    }

    pub fn turns(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

async fn carry(mut client: TcpStream, server: String, mut weather: watch::Receiver<Weather>) {
    let mut server = TcpStream::connect(server).await.unwrap();
    let (mut asked, mut told) = ([0; 4096], [0; 4096]);
    // Whoever connects after the change reaches the new primary.
    let mut demoted = false;
    weather.mark_unchanged();
    loop {
        let now = *weather.borrow();
        if now == Weather::Down {
            return;
        }
        tokio::select! {
            Ok(()) = weather.changed() => demoted |= *weather.borrow() == Weather::Demoted,
            Ok(read @ 1..) = client.read(&mut asked) => match now {
                Weather::Hung => {}
                _ if demoted => client.write_all(b"-READONLY You can't write against a read only replica.\r\n").await.unwrap(),
                _ => server.write_all(&asked[..read]).await.unwrap(),
            },
            Ok(read @ 1..) = server.read(&mut told) => {
                // The other end may have gone meanwhile.
                let _ = client.write_all(&told[..read]).await;
            }
            else => return,
        }
    }
}

/// Waits until `holds`, for at most ten seconds.
pub async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), looking).await.unwrap_or_else(|_| panic!("never: {what}"));
}
