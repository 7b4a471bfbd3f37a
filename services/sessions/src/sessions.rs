//! The context itself: what it depends on, and how it is built.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tessera_common::clock::Clock;
use tessera_common::random::Random;
use tessera_common::server::{Origin, StopSignal};
use tessera_messaging::{Bus, Outbox, Relay, backlog};
use tessera_storage::{Cache, Db, WakeUp};
use tessera_tokens::client_cookie::ClientCookies;
use tessera_tokens::jwk::Algorithm;
use tessera_tokens::key_ring::{KeyRing, Mac};
use tessera_tokens::signing_keys::{KeySet, SigningKeys, SigningKeysError};
use tokio::task::JoinHandle;

use crate::events::consumed::Profiles;

/// What session tokens are signed with. Verifiers of this API want RSA.
const KEYS: KeySet =
    KeySet { name: "sessions", algorithms: &[Algorithm::RS256], kid_prefix: "ins", token_life: TimeDelta::hours(1) };

/// How often the keys are read again: another instance may have rotated.
const RELOAD_KEYS: Duration = Duration::from_secs(60);

/// What the context is built from.
#[derive(Debug)]
pub struct Parts {
    /// Its database, migrated.
    pub db: Db,
    /// Its key ring.
    pub ring: KeyRing,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// What its replicas share and may lose.
    pub cache: Cache,
    /// Where its events go, and others' come from.
    pub bus: Bus,
    /// Where browsers reach the platform.
    pub origin: Origin,
    /// How its cookies are written.
    pub cookies: ClientCookies,
}

/// The context. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Sessions(Arc<Inner>);

#[derive(Debug)]
pub struct Inner {
    pub db: Db,
    pub clock: Clock,
    pub random: Random,
    pub origin: Origin,
    pub cookies: ClientCookies,
    pub outbox: Outbox,
    pub keys: SigningKeys,
    /// Makes the secrets that a repeated intent gets again.
    pub secrets: Mac,
    relay: Relay,
    relay_wake: WakeUp,
}

impl std::ops::Deref for Sessions {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Sessions {
    /// Builds the context, and listens to what others publish.
    ///
    /// # Errors
    /// When its signing keys cannot be had.
    pub async fn build(parts: Parts) -> Result<Self, SigningKeysError> {
        let Parts { db, ring, clock, random, cache, bus, origin, cookies } = parts;
        let keys = SigningKeys::open(db.clone(), &ring, clock.clone(), random.clone(), KEYS).await?;
        bus.subscribe(Arc::new(Profiles { db: db.clone(), clock: clock.clone() }));
        let relay = Relay::new(db.clone(), clock.clone(), bus).woken_by(cache.wake_up("sessions.relay"));
        Ok(Self(Arc::new(Inner {
            outbox: Outbox::new("sessions"),
            secrets: ring.mac("secrets of one intent"),
            relay_wake: relay.wake(),
            relay,
            db,
            clock,
            random,
            origin,
            cookies,
            keys,
        })))
    }

    /// Starts the loops of this context.
    #[must_use]
    pub fn workers(&self, stop: &StopSignal) -> Vec<JoinHandle<()>> {
        let (relay, keys) = (self.clone(), self.clone());
        let (relay_stop, mut keys_stop) = (stop.receiver(), stop.clone());
        self.db.count_connections("sessions");
        vec![
            tokio::spawn(async move { relay.relay.run(relay_stop).await }),
            tokio::spawn(backlog::watch(self.db.clone(), self.clock.clone(), "sessions", stop.receiver())),
            tokio::spawn(async move {
                loop {
                    tokio::select! {
                        () = keys_stop.asked() => return,
                        () = tokio::time::sleep(RELOAD_KEYS) => {}
                    }
                    if let Err(error) = keys.keys.reload().await {
                        tracing::warn!(%error, "signing keys could not be read again; the known ones stay");
                    }
                }
            }),
        ]
    }

    /// Tells the relay that something was committed for it.
    pub(crate) fn committed(&self) {
        self.relay_wake.notify();
    }
}
