//! The context itself: what it depends on, and how it is built.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tessera_common::clock::Clock;
use tessera_common::random::Random;
use tessera_common::server::{Origin, StopSignal};
use tessera_contracts::call::Failure;
use tessera_contracts::oauth::OAuthApi;
use tessera_contracts::sessions::SessionsApi;
use tessera_contracts::verify::VerifyApi;
use tessera_messaging::{Bus, DurableCalls, Outbox, Relay, backlog};
use tessera_storage::{AddressLimit, Cache, Db, WakeUp};
use tessera_tokens::client_cookie::ClientCookies;
use tessera_tokens::key_ring::{KeyRing, Mac};
use tokio::task::JoinHandle;

use crate::events::consumed::AccountEvents;
use crate::hashing::Hasher;
use crate::outgoing::Outgoing;

/// Settings of this context.
#[derive(Clone, Debug, Deserialize)]
pub struct Settings {
    /// What strangers are told about accounts.
    pub enumeration: Enumeration,
    /// Whether a password needs a lower-case letter, an upper-case letter and a digit.
    pub password_composition: bool,
}

/// What strangers are told about accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Enumeration {
    /// As the published APIs do: a taken address is named.
    Compatible,
    /// Nothing.
    Hidden,
}

/// What the context is built from.
#[derive(Debug)]
pub struct Parts {
    /// Its database, migrated.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// What its replicas share and may lose.
    pub cache: Cache,
    /// Where its events go.
    pub bus: Bus,
    /// Where browsers reach the platform: what mailed links begin with.
    pub origin: Origin,
    /// How its cookies are written.
    pub cookies: ClientCookies,
    /// Whether this is a person's own machine: the page at `/` then shows what is only there.
    pub dev: bool,
    /// Its key ring.
    pub ring: KeyRing,
    /// Hashes that may run at once.
    pub hashing_cores: usize,
    /// How many times the limits by address are taken.
    pub address_factor: u32,
    /// One-time secrets.
    pub verify: Arc<dyn VerifyApi>,
    /// Clients and sessions.
    pub sessions: Arc<dyn SessionsApi>,
    /// Applications.
    pub oauth: Arc<dyn OAuthApi>,
    /// Its settings.
    pub settings: Settings,
}

/// Limits by address. Every call counts, those that succeed too.
#[derive(Debug)]
pub struct AddressLimits {
    /// Passwords tried: 50 in 15 minutes.
    pub passwords: AddressLimit,
    /// What sends a mail, to whomever: 20 in an hour.
    pub mails: AddressLimit,
}

impl AddressLimits {
    fn of(cache: &Cache, factor: u32) -> Self {
        let limit = |name, quota: u32, minutes: u64| {
            let quota = NonZeroU32::new(quota.saturating_mul(factor)).unwrap_or(NonZeroU32::MIN);
            AddressLimit::new(cache, name, quota, Duration::from_secs(minutes * 60))
        };
        Self { passwords: limit("auth.passwords", 50, 15), mails: limit("auth.mails", 20, 60) }
    }
}

/// The context. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Auth(Arc<Inner>);

#[derive(Debug)]
pub struct Inner {
    pub db: Db,
    pub clock: Clock,
    pub random: Random,
    pub origin: Origin,
    pub settings: Settings,
    pub hasher: Hasher,
    pub outbox: Outbox,
    pub calls: DurableCalls,
    pub verify: Arc<dyn VerifyApi>,
    pub sessions: Arc<dyn SessionsApi>,
    pub oauth: Arc<dyn OAuthApi>,
    pub cookies: ClientCookies,
    pub dev: bool,
    /// Names the subjects of wrong passwords without storing what was typed.
    pub subjects: Mac,
    pub limits: AddressLimits,
    relay: Relay,
    relay_wake: WakeUp,
}

impl std::ops::Deref for Auth {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Auth {
    /// Builds the context.
    ///
    /// # Errors
    /// When passwords cannot be hashed with the present parameters.
    pub fn build(parts: Parts) -> Result<Self, Failure> {
        let Parts {
            db, clock, random, cache, bus, origin, cookies, dev, ring, verify, sessions, oauth, settings, ..
        } = parts;
        bus.subscribe(Arc::new(AccountEvents { db: db.clone(), clock: clock.clone() }));
        let relay = Relay::new(db.clone(), clock.clone(), bus).woken_by(cache.wake_up("auth.relay"));
        let outgoing = Outgoing { verify: Arc::clone(&verify), sessions: Arc::clone(&sessions) };
        Ok(Self(Arc::new(Inner {
            hasher: Hasher::new(parts.hashing_cores, &random)?,
            limits: AddressLimits::of(&cache, parts.address_factor),
            subjects: ring.mac("subjects of wrong passwords"),
            outbox: Outbox::new("auth"),
            calls: DurableCalls::new(db.clone(), clock.clone(), Arc::new(outgoing)),
            relay_wake: relay.wake(),
            relay,
            db,
            clock,
            random,
            origin,
            settings,
            cookies,
            dev,
            verify,
            sessions,
            oauth,
        })))
    }

    /// Starts the loops of this context.
    #[must_use]
    pub fn workers(&self, stop: &StopSignal) -> Vec<JoinHandle<()>> {
        let (relay, calls) = (self.clone(), self.clone());
        let (relay_stop, calls_stop) = (stop.receiver(), stop.receiver());
        self.db.count_connections("auth");
        vec![
            tokio::spawn(async move { relay.relay.run(relay_stop).await }),
            tokio::spawn(async move { calls.calls.run(calls_stop).await }),
            tokio::spawn(backlog::watch(self.db.clone(), self.clock.clone(), "auth", stop.receiver())),
        ]
    }

    /// Tells the relay that something was committed for it.
    pub(crate) fn committed(&self) {
        self.relay_wake.notify();
    }
}
