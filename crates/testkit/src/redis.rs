//! A Redis that platforms of one test share.

use std::num::NonZeroU32;
use std::time::Duration;

use tessera_common::random::Random;
use tessera_storage::Cache;
use tessera_storage::cache::RedisSettings;

/// How long a call may take: tests count to the last request, also on a busy machine.
const PATIENCE: Duration = Duration::from_secs(10);

/// A namespace on the Redis of the tests; what is in it goes with this.
#[derive(Debug)]
pub struct SharedRedis {
    url: String,
    namespace: String,
}

impl SharedRedis {
    /// One that nobody else has; `None` where the tests are told to leave Redis out.
    #[must_use]
    pub fn lent() -> Option<Self> {
        if std::env::var("TESSERA_TEST_REDIS").as_deref() == Ok("off") {
            return None;
        }
        let url = std::env::var("TESSERA_TEST_REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:6379/0".to_owned());
        Some(Self { url, namespace: namespace() })
    }

    /// As one of `instances` replicas has it.
    #[must_use]
    pub fn replica(&self, instances: NonZeroU32) -> Cache {
        cache(&self.url, &self.namespace, instances)
    }
}

/// A Redis that is not there, as one of `instances` replicas has it.
#[must_use]
pub fn absent_redis(instances: NonZeroU32) -> Cache {
    // A port that was free a moment ago, and is nobody's.
    let socket = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("redis://{}", socket.local_addr().expect("bound"));
    drop(socket);
    cache(&url, &namespace(), instances)
}

fn namespace() -> String {
    format!("tessera_test_{}", u128::from_le_bytes(Random::system().bytes()))
}

fn cache(url: &str, namespace: &str, instances: NonZeroU32) -> Cache {
    let (url, namespace) = (url.to_owned().into(), namespace.to_owned());
    let settings = RedisSettings { url, namespace, instances, authorities: None, patience: PATIENCE };
    Cache::redis(&settings, &Random::system()).expect("settings of Redis")
}

impl Drop for SharedRedis {
    fn drop(&mut self) {
        let emptied = redis::Client::open(self.url.as_str()).and_then(|client| {
            let mut connection = client.get_connection()?;
            let keys: Vec<String> = redis::cmd("KEYS").arg(format!("{}:*", self.namespace)).query(&mut connection)?;
            keys.iter().try_for_each(|key| redis::cmd("DEL").arg(key).exec(&mut connection))
        });
        // A failure here leaves keys behind that go by themselves, and the test's own outcome as it was.
        let _ = emptied;
    }
}
