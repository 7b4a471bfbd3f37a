//! What replicas share and may lose: counts by address and wake-ups. Nothing here decides whether a credential is good.

mod breaker;
mod connection;
mod redis;
mod wake_up;

use std::num::NonZeroU32;
use std::time::Duration;

use secrecy::SecretString;
use tessera_common::random::Random;
use tessera_common::server::StopSignal;

pub(crate) use self::redis::Redis;
pub use self::wake_up::WakeUp;

/// Where it is kept. Cheap to clone.
#[derive(Clone, Debug)]
pub enum Cache {
    /// In this process, which is the only one.
    Memory,
    /// In Redis, for all replicas. What can be done without it goes on while it is away.
    Redis(Redis),
}

/// How Redis is reached, and by how many.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// `redis://[user:password@]host[:port][/database]`; `rediss://` for TLS.
    pub url: SecretString,
    /// What every key and channel begins with, so that platforms can share a server.
    pub namespace: String,
    /// How many replicas share a limit: each allows this part of it while Redis is away.
    pub instances: NonZeroU32,
    /// Certificates of the authorities that may vouch for a `rediss://` server, PEM; the machine's own ones if absent.
    pub authorities: Option<Vec<u8>>,
    /// What a call may take, dialling included; then it is done without Redis.
    pub patience: Duration,
}

impl RedisSettings {
    /// The patience of services: little beside what a request takes.
    pub const PATIENCE: Duration = Duration::from_millis(100);
}

/// Why Redis cannot be used. That it does not answer is no reason: it may come later.
#[derive(Debug, thiserror::Error)]
#[error("Redis cannot be used with these settings: {0}")]
pub struct CacheError(#[from] ::redis::RedisError);

impl Cache {
    /// A cache in Redis. Nothing is dialled yet, so that a start does not wait for it.
    ///
    /// # Errors
    /// When the URL or the certificates cannot be read.
    pub fn redis(settings: &RedisSettings, random: &Random) -> Result<Self, CacheError> {
        Ok(Self::Redis(Redis::open(settings, random)?))
    }

    /// Wakes the loop of this name, `<context>.<loop>`, in every process of the platform. All calls with one name answer the same.
    #[must_use]
    pub fn wake_up(&self, name: &'static str) -> WakeUp {
        match self {
            Self::Memory => WakeUp::default(),
            Self::Redis(redis) => redis.wake_up(name),
        }
    }

    /// Takes the wake-ups of other processes until `stop`; run it once in a process. Ends at once where there are no others.
    pub async fn run(&self, stop: StopSignal) {
        if let Self::Redis(redis) = self {
            redis.run(stop).await;
        }
    }
}
