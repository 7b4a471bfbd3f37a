//! oauth's public keys, fetched: what access tokens are checked with where oauth is another process.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use reqwest::{Client, Response, StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;
use tessera_common::clock::{Clock, Timestamp};
use tessera_common::server::StopSignal;
use tessera_tokens::access_token::PublicKeys;
use tessera_tokens::jwk::Jwk;
use tessera_tokens::jwt::{TokenError, VerifyingKey};
use tokio::sync::Mutex;
use tokio::time::timeout;

use super::Clients;

/// How long a fetch may take.
const WITHIN: Duration = Duration::from_secs(1);
/// How often the set is fetched again: a key is published 15 minutes before it signs.
const EVERY: Duration = Duration::from_secs(300);
/// How often while there is none.
const EVERY_UNTIL_FIRST: Duration = Duration::from_secs(1);
/// How often at most a token may cause a fetch by a `kid` that is not known.
const ON_DEMAND: TimeDelta = TimeDelta::seconds(5);
/// How often while there never was a set: oauth may be about to come, and until it is there nobody is let in.
const ON_DEMAND_UNTIL_FIRST: TimeDelta = TimeDelta::milliseconds(200);
/// The largest set that is read, in bytes.
const MAX_SET: usize = 64 * 1024;

/// The last good set of `GET /oauth2/jwks`.
#[derive(Debug)]
pub struct RemoteKeys {
    http: Client,
    url: Option<Url>,
    clock: Clock,
    keys: RwLock<HashMap<String, VerifyingKey>>,
    asked: Mutex<Asked>,
}

/// The last fetch: when, and whether it brought a set.
#[derive(Debug, Default)]
struct Asked {
    at: Option<Timestamp>,
    answered: bool,
}

/// Why a fetch brought no set.
#[derive(Debug, thiserror::Error)]
enum NoSet {
    #[error("it was not answered in time")]
    Late,
    #[error("{0}")]
    Lost(reqwest::Error),
    #[error("it was answered with {0}")]
    Status(StatusCode),
    #[error("the answer is larger than 64 KiB")]
    TooLarge,
    #[error("the answer is not a set of keys")]
    NotASet,
    #[error("the address is not one")]
    NoAddress,
}

#[derive(Deserialize)]
struct Set {
    keys: Vec<Value>,
}

impl RemoteKeys {
    /// The keys of oauth, which listens at `oauth` (scheme, host and port; a path is disregarded). Nothing is fetched before [`RemoteKeys::run`] or
    /// the first token.
    #[must_use]
    pub fn new(http: Clients, oauth: &Url, clock: Clock) -> Self {
        let url = oauth.join("/oauth2/jwks").ok();
        Self { http: http.fresh, url, clock, keys: RwLock::default(), asked: Mutex::default() }
    }

    /// Fetches the set at once, and again every five minutes, until a stop is asked for.
    pub async fn run(self: Arc<Self>, mut stop: StopSignal) {
        loop {
            self.fetch(&mut *self.asked.lock().await).await;
            let pause = if self.is_empty() { EVERY_UNTIL_FIRST } else { EVERY };
            if timeout(pause, stop.asked()).await.is_ok() {
                return;
            }
        }
    }

    /// Fetches the set, but not soon after the last time; whether the last time was answered.
    async fn ask_again(&self) -> bool {
        let mut asked = self.asked.lock().await;
        let pause = if self.is_empty() { ON_DEMAND_UNTIL_FIRST } else { ON_DEMAND };
        if asked.at.is_none_or(|at| self.clock.now() - at >= pause) {
            self.fetch(&mut asked).await;
        }
        asked.answered
    }

    async fn fetch(&self, asked: &mut Asked) {
        let fetched = timeout(WITHIN, self.try_fetch()).await.unwrap_or(Err(NoSet::Late));
        *asked = Asked { at: Some(self.clock.now()), answered: fetched.is_ok() };
        match fetched {
            Ok(keys) => *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys,
            Err(error) => {
                tracing::warn!(%error, "oauth's public keys could not be fetched; those that are known stay");
            }
        }
    }

    async fn try_fetch(&self) -> Result<HashMap<String, VerifyingKey>, NoSet> {
        let url = self.url.clone().ok_or(NoSet::NoAddress)?;
        let response = self.http.get(url).send().await.map_err(|error| NoSet::Lost(error.without_url()))?;
        if response.status() != StatusCode::OK {
            return Err(NoSet::Status(response.status()));
        }
        let set: Set = serde_json::from_slice(&read(response).await?).map_err(|_| NoSet::NotASet)?;
        // A key of a kind that is not known here is no reason to do without the others (RFC 7517, 5).
        let readable = set.keys.into_iter().filter_map(|key| {
            let jwk: Jwk = serde_json::from_value(key).ok()?;
            let key = VerifyingKey::of(&jwk).ok()?;
            Some((jwk.kid, key))
        });
        let keys: HashMap<_, _> = readable.collect();
        if keys.is_empty() { Err(NoSet::NotASet) } else { Ok(keys) }
    }

    fn known(&self, kid: &str) -> Option<VerifyingKey> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).get(kid).cloned()
    }

    fn is_empty(&self) -> bool {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).is_empty()
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, NoSet> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| NoSet::Lost(error.without_url()))? {
        if body.len() + chunk.len() > MAX_SET {
            return Err(NoSet::TooLarge);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

#[async_trait]
impl PublicKeys for RemoteKeys {
    async fn find(&self, kid: &str) -> Result<Option<VerifyingKey>, TokenError> {
        if let Some(key) = self.known(kid) {
            return Ok(Some(key));
        }
        let answered = self.ask_again().await;
        match self.known(kid) {
            Some(key) => Ok(Some(key)),
            None if answered => Ok(None),
            // Whether there is such a key by now cannot be told.
            None => Err(TokenError::KeysUnavailable),
        }
    }
}
