//! Redis as this platform uses it: scripts that count, and one channel of wake-ups.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt as _;
use redis::{Client, RedisResult, ScriptInvocation, TlsCertificates};
use secrecy::ExposeSecret as _;
use tessera_common::random::Random;
use tessera_common::server::StopSignal;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::connection::{Away, Connection, DIAL, MAX_AGE};
use super::{RedisSettings, WakeUp};

/// Between two attempts to listen.
const LISTEN_AGAIN: Duration = Duration::from_secs(1);

/// A Redis server, shared by the replicas of the platform. Cheap to clone.
#[derive(Clone)]
pub struct Redis(Arc<Inner>);

struct Inner {
    connection: Connection,
    namespace: String,
    instances: NonZeroU32,
    /// Who publishes: a process needs no wake-up from itself.
    publisher: String,
    loops: Mutex<HashMap<&'static str, Arc<Notify>>>,
}

impl std::fmt::Debug for Redis {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Redis").field("namespace", &self.0.namespace).finish_non_exhaustive()
    }
}

impl Redis {
    pub(super) fn open(settings: &RedisSettings, random: &Random) -> RedisResult<Self> {
        let url = settings.url.expose_secret();
        let client = match &settings.authorities {
            Some(pem) if url.starts_with("rediss://") => {
                Client::build_with_tls(url, TlsCertificates { client_tls: None, root_cert: Some(pem.clone()) })?
            }
            _ => Client::open(url)?,
        };
        Ok(Self(Arc::new(Inner {
            connection: Connection::new(client, settings.patience),
            namespace: settings.namespace.clone(),
            instances: settings.instances,
            publisher: u64::from_le_bytes(random.bytes()).to_string(),
            loops: Mutex::default(),
        })))
    }

    /// How many replicas share a limit.
    pub(crate) fn instances(&self) -> NonZeroU32 {
        self.0.instances
    }

    /// A key of this platform.
    pub(crate) fn key(&self, rest: std::fmt::Arguments<'_>) -> String {
        format!("{}:{rest}", self.0.namespace)
    }

    /// Runs a script that answers a number.
    pub(crate) async fn invoke(&self, script: &ScriptInvocation<'_>) -> Result<u64, Away> {
        self.0.connection.call(|mut connection| async move { script.invoke_async(&mut connection).await }).await
    }

    pub(super) fn wake_up(&self, name: &'static str) -> WakeUp {
        let here = Arc::clone(self.loops().entry(name).or_default());
        WakeUp { here, elsewhere: Some((self.clone(), name)) }
    }

    /// Tells the other processes, and nobody waits for it.
    pub(super) fn publish(&self, name: &'static str) {
        let redis = self.clone();
        tokio::spawn(async move {
            let mut publish = redis::cmd("PUBLISH");
            publish.arg(redis.channel()).arg(format!("{} {name}", redis.0.publisher));
            // One that is lost does no harm.
            let _ = redis.0.connection.call(|mut on| async move { publish.exec_async(&mut on).await }).await;
        });
    }

    /// Listens until `stop`.
    pub(super) async fn run(&self, mut stop: StopSignal) {
        loop {
            let listening = async {
                if let Err(error) = self.listen().await {
                    tracing::debug!(%error, "wake-ups of other processes cannot be heard");
                }
                sleep(LISTEN_AGAIN).await;
            };
            tokio::select! {
                () = stop.asked() => return,
                () = listening => {}
            }
        }
    }

    /// Passes wake-ups on until the connection breaks or is old.
    async fn listen(&self) -> RedisResult<()> {
        let subscribed = async {
            let mut listener = self.0.connection.client().get_async_pubsub().await?;
            listener.subscribe(self.channel()).await?;
            RedisResult::Ok(listener)
        };
        let Ok(listener) = timeout(DIAL, subscribed).await else { return Ok(()) };
        let mut messages = listener?.into_on_message();
        // Whatever was said while nobody listened.
        self.loops().values().for_each(|one| one.notify_one());
        let end = Instant::now() + MAX_AGE;
        while let Ok(Some(message)) = timeout_at(end, messages.next()).await {
            let message: String = message.get_payload().unwrap_or_default();
            let Some((publisher, name)) = message.split_once(' ') else { continue };
            let woken = self.loops().get(name).filter(|_| publisher != self.0.publisher).cloned();
            woken.iter().for_each(|one| one.notify_one());
        }
        Ok(())
    }

    fn channel(&self) -> String {
        self.key(format_args!("wake_ups"))
    }

    fn loops(&self) -> MutexGuard<'_, HashMap<&'static str, Arc<Notify>>> {
        self.0.loops.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
