//! The context itself: what it depends on, and how it is built.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tessera_common::clock::Clock;
use tessera_common::random::Random;
use tessera_common::server::StopSignal;
use tessera_contracts::call::Failure;
use tessera_messaging::{Bus, Outbox, Relay, backlog};
use tessera_storage::{AddressLimit, Cache, Db, WakeUp};
use tessera_tokens::access_token::AccessTokens;
use tessera_tokens::key_ring::{KeyRing, Mac, Sealer};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::actions::lane::{Breakers, Lane};
use crate::domain::allowed_prefixes::AllowedPrefixes;
use crate::domain::message::Channel;
use crate::domain::method::Method;
use crate::domain::patience::Patience;
use crate::domain::verification::Key;
use crate::senders::{Sender, Senders};
use crate::{actions, workers};

/// Requests to the verification API per address and minute, before the factor: back ends call for many users at once, so this is for
/// floods alone. What limits a tenant is its recipients and its budgets (`docs/adr/0016-limits-of-tenants.md`).
const PER_ADDRESS: NonZeroU32 = NonZeroU32::MIN.saturating_add(5_999);

/// Settings of this context.
#[derive(Clone, Debug, Deserialize)]
pub struct Settings {
    /// Messages that a tenant may send to one recipient in 10 minutes.
    pub tenant_messages: u32,
    /// Seconds by which a message that is sent again must prolong its verification at least.
    pub resend_timeout_s: u32,
    /// What authenticator apps call the platform.
    pub authenticator_issuer: String,
    /// Whom the platform's own mail is from, as `Name <address@host>`.
    pub mail_from: String,
    /// The longest that a provider of messages may take for one step.
    pub provider_timeout_ms: Patience,
    /// Text messages.
    pub sms: SmsSettings,
}

/// Settings of text messages. The token of the provider's account is a secret, and not among them.
#[derive(Clone, Debug, Deserialize)]
pub struct SmsSettings {
    /// Where the provider answers; empty for none.
    pub base_url: String,
    /// The account at the provider.
    pub account: String,
    /// The number or name that text messages are from, unless there is a messaging service.
    pub from: String,
    /// The provider's messaging service, which chooses a number itself.
    pub messaging_service: String,
    /// Where text messages may go.
    pub allowed_prefixes: AllowedPrefixes,
    /// Text messages to numbers of one beginning in an hour, of all tenants together.
    pub prefix_budget: u32,
    /// Text messages of one tenant in a day.
    pub tenant_budget: u32,
}

/// What the context is built from.
#[derive(Debug)]
pub struct Parts {
    /// Its database, migrated.
    pub db: Db,
    /// Its master keys.
    pub ring: KeyRing,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// Checks the access tokens of tenants.
    pub tenants: AccessTokens,
    /// What its replicas share and may lose.
    pub cache: Cache,
    /// Where its events go.
    pub bus: Bus,
    /// How many times limits by address are taken.
    pub address_factor: u32,
    /// How messages leave.
    pub senders: Senders,
    /// Its settings.
    pub settings: Settings,
}

/// The context. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Verify(Arc<Inner>);

#[derive(Debug)]
pub struct Inner {
    pub db: Db,
    pub clock: Clock,
    pub random: Random,
    pub tenants: AccessTokens,
    pub per_address: AddressLimit,
    pub senders: Senders,
    pub settings: Settings,
    /// Seals messages that wait to be sent.
    pub sealer: Sealer,
    /// Seals the secrets of authenticators.
    pub authenticators: Sealer,
    /// Digests backup codes.
    pub backup_codes: Mac,
    /// Digests answers of siblings.
    pub answers: Mac,
    /// Told after a commit that queued a message.
    pub queued: watch::Sender<()>,
    /// Which providers are left alone for now.
    pub breakers: Breakers,
    pub outbox: Outbox,
    relay: Relay,
    relay_wake: WakeUp,
    codes: Mac,
    /// Seals codes that may have to be sent again.
    sealed_codes: Sealer,
}

impl std::ops::Deref for Verify {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Verify {
    /// Builds the context.
    ///
    /// # Errors
    /// None yet: later parts may not be to be had.
    pub fn build(parts: Parts) -> Result<Self, Failure> {
        let Parts { db, ring, clock, random, tenants, cache, bus, address_factor, senders, settings } = parts;
        let quota = PER_ADDRESS.saturating_mul(NonZeroU32::new(address_factor).unwrap_or(NonZeroU32::MIN));
        let relay = Relay::new(db.clone(), clock.clone(), bus).woken_by(cache.wake_up("verify.relay"));
        Ok(Self(Arc::new(Inner {
            per_address: AddressLimit::new(&cache, "verify.tenants", quota, Duration::from_secs(60)),
            sealer: ring.sealer("deliveries"),
            authenticators: ring.sealer("authenticators"),
            backup_codes: ring.mac("backup codes"),
            answers: ring.mac("answers"),
            codes: ring.mac("codes"),
            sealed_codes: ring.sealer("codes to be sent again"),
            queued: watch::Sender::new(()),
            breakers: Breakers::default(),
            outbox: Outbox::new("verify"),
            relay_wake: relay.wake(),
            relay,
            db,
            clock,
            random,
            tenants,
            senders,
            settings,
        })))
    }

    /// Starts the loops of this context.
    #[must_use]
    pub fn workers(&self, stop: &StopSignal) -> Vec<JoinHandle<()>> {
        self.db.count_connections("verify");
        let (relay, relay_stop) = (self.clone(), stop.receiver());
        vec![
            tokio::spawn(async move { relay.relay.run(relay_stop).await }),
            tokio::spawn(backlog::watch(self.db.clone(), self.clock.clone(), "verify", stop.receiver())),
            tokio::spawn(workers::deliver(self.clone(), Channel::Email, stop.receiver())),
            tokio::spawn(workers::deliver(self.clone(), Channel::Sms, stop.receiver())),
            tokio::spawn(workers::sweep(self.clone(), stop.receiver())),
            tokio::spawn(workers::measure(self.clone(), stop.receiver())),
        ]
    }

    /// Sends every message that is due once, and answers how many were taken.
    ///
    /// # Errors
    /// When the queue cannot be read.
    pub async fn deliver_due(&self) -> Result<usize, Failure> {
        let lane = |channel| Lane::new(self.clone(), channel).drain();
        let (mails, texts) = tokio::try_join!(lane(Channel::Email), lane(Channel::Sms))?;
        Ok(mails + texts)
    }

    /// Tells the relay that something was committed for it.
    pub(crate) fn committed(&self) {
        self.relay_wake.notify();
    }

    /// Deletes what has ended.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(&self) -> Result<(), Failure> {
        actions::sweep::sweep(self).await
    }
}

impl Inner {
    /// Whether verifications by this method are to be had: nobody can prove a telephone where no text message leaves.
    pub(crate) const fn serves(&self, method: Method) -> bool {
        match method {
            Method::Email | Method::Authenticator | Method::BackupCode => true,
            Method::Phone => !matches!(self.senders.sms, Sender::Nobody),
        }
    }

    /// The digest of a code, bound to whose it is and its verification's id.
    pub(crate) fn digest(&self, key: Key<'_>, code: &SecretString) -> Vec<u8> {
        self.codes.digest(&code_place(key, &key.lookup_id()), code.expose_secret().as_bytes())
    }

    /// The code, sealed, bound to the same.
    pub(crate) fn seal_code(&self, key: Key<'_>, code: &SecretString) -> Result<Vec<u8>, Failure> {
        let sealed =
            self.sealed_codes.seal(&code_place(key, &key.lookup_id()), code.expose_secret().as_bytes(), &self.random);
        sealed.map_err(|error| Failure::Internal(error.into()))
    }

    /// The code that was sealed for `key`.
    pub(crate) fn open_code(&self, key: Key<'_>, sealed: &[u8]) -> Result<SecretString, Failure> {
        let opened = self.sealed_codes.open(&code_place(key, &key.lookup_id()), sealed);
        let opened = opened.map_err(|error| Failure::Internal(error.into()))?;
        let code = std::str::from_utf8(&opened).map_err(|error| Failure::Internal(error.into()))?;
        Ok(code.to_owned().into())
    }

    /// Whether `digest` is that of `code`, in constant time.
    pub(crate) fn is_right(&self, key: Key<'_>, code: &SecretString, digest: &[u8]) -> bool {
        self.codes.matches(&code_place(key, &key.lookup_id()), code.expose_secret().as_bytes(), digest)
    }
}

fn code_place<'a>(key: Key<'a>, lookup_id: &'a str) -> [&'a str; 4] {
    ["verifications", key.tenant, key.method.name(), lookup_id]
}
