//! The context itself: what it depends on, and how it is built.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tessera_common::clock::Clock;
use tessera_common::random::Random;
use tessera_common::server::{Origin, StopSignal};
use tessera_contracts::sessions::SessionsApi;
use tessera_storage::Db;
use tessera_tokens::access_token::PublicKeys;
use tessera_tokens::jwk::Algorithm;
use tessera_tokens::key_ring::KeyRing;
use tessera_tokens::signing_keys::{KeySet, SigningKeys, SigningKeysError};
use tokio::task::JoinHandle;

use crate::domain::discovery::Metadata;
use crate::failure_budget::FailureBudget;

/// The keys of this issuer.
const KEY_SET: KeySet = KeySet {
    name: "oauth",
    algorithms: &[Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA],
    kid_prefix: "oak",
    // The longest of what is signed with them will be an ID token.
    token_life: chrono::TimeDelta::hours(1),
};

/// How often the keys are read again, for another instance may have rotated them.
const RELOAD_EVERY: Duration = Duration::from_secs(60);

/// Opens the keys of this context: before it is built, for verify checks access tokens with them and comes first.
///
/// # Errors
/// When the database fails, or a key does not open under `ring`.
pub async fn open_keys(
    db: &Db,
    ring: &KeyRing,
    clock: &Clock,
    random: &Random,
) -> Result<SigningKeys, SigningKeysError> {
    SigningKeys::open(db.clone(), ring, clock.clone(), random.clone(), KEY_SET).await
}

/// The issuer of OAuth tokens under `origin`.
#[must_use]
pub fn issuer(origin: &Origin) -> String {
    format!("{origin}/oauth2")
}

/// Settings of this context.
#[derive(Clone, Debug, Deserialize)]
pub struct Settings {
    /// The application of a login that names none; empty for none.
    pub default_application: String,
}

/// What the context is built from.
#[derive(Debug)]
pub struct Parts {
    /// Its database, migrated.
    pub db: Db,
    /// Its keys, from [`open_keys`].
    pub keys: SigningKeys,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// Where browsers reach the platform: what issuer and audiences begin with.
    pub origin: Origin,
    /// Whether something may be issued for a user.
    pub sessions: Arc<dyn SessionsApi>,
    /// How many times limits by address are taken.
    pub address_factor: u32,
    /// Its settings.
    pub settings: Settings,
}

/// The context. Cheap to clone.
#[derive(Clone, Debug)]
pub struct OAuth(Arc<Inner>);

#[derive(Debug)]
pub struct Inner {
    pub db: Db,
    pub keys: SigningKeys,
    pub clock: Clock,
    pub random: Random,
    pub origin: Origin,
    pub issuer: String,
    pub metadata: String,
    pub sessions: Arc<dyn SessionsApi>,
    pub failures: FailureBudget,
    pub settings: Settings,
}

impl std::ops::Deref for OAuth {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl OAuth {
    /// Builds the context.
    ///
    /// # Errors
    /// When its metadata cannot be written.
    pub fn build(parts: Parts) -> Result<Self, serde_json::Error> {
        let Parts { db, keys, clock, random, origin, sessions, address_factor, settings } = parts;
        let issuer = issuer(&origin);
        Ok(Self(Arc::new(Inner {
            metadata: serde_json::to_string(&Metadata::of(&issuer))?,
            failures: FailureBudget::new(clock.clone(), address_factor),
            db,
            keys,
            clock,
            random,
            origin,
            issuer,
            sessions,
            settings,
        })))
    }

    /// The public keys that access tokens are checked with.
    #[must_use]
    pub fn public_keys(&self) -> Arc<dyn PublicKeys> {
        Arc::new(self.keys.clone())
    }

    /// The keys that it signs with: to rotate them.
    #[must_use]
    pub fn signing_keys(&self) -> &SigningKeys {
        &self.keys
    }

    /// Starts the loops of this context.
    #[must_use]
    pub fn workers(&self, stop: &StopSignal) -> Vec<JoinHandle<()>> {
        self.db.count_connections("oauth");
        let (oauth, mut stop) = (self.clone(), stop.clone());
        vec![tokio::spawn(async move {
            while tokio::time::timeout(RELOAD_EVERY, stop.asked()).await.is_err() {
                if let Err(error) = oauth.keys.reload().await {
                    tracing::warn!(%error, "the signing keys could not be read again; the ones in use stay");
                }
            }
        })]
    }
}
