//! `svc+jwt`: what a service presents when it calls a sibling.
//!
//! A token is good for one request: it is bound to method, path, query and body, ends after 30 seconds, and is accepted once. Ids that
//! were seen are remembered in this process, so another replica of the callee would accept a stolen token within its half minute. What
//! that does is repeat a call that was made, and every method is idempotent by its `op` or its state.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use aws_lc_rs::digest::{Context, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use tessera_common::clock::{Clock, Timestamp};
use tessera_common::ids;
use tessera_common::random::Random;
use uuid::Uuid;

use crate::jwt::{self, NotSigned, TokenError};
use crate::service_key::{ServiceKey, ServiceKeys};

/// `typ` of a service's token.
pub const TYP: &str = "svc+jwt";

/// Life of a token, in seconds.
const LIFE_S: i64 = 30;
/// Tolerance for the clock of a sibling, in seconds: each reads the time of its own database.
const LEEWAY_S: i64 = 5;
/// How long an id has to be remembered, in seconds: from a clock that is ahead to one that is behind.
const REMEMBERED_S: i64 = LIFE_S + 2 * LEEWAY_S;
/// Ids that are remembered of so many seconds: more calls than an instance can answer.
const REMEMBERED: usize = 1 << 20;

/// What a token is bound to: the request as it is on the wire.
#[derive(Clone, Copy, Debug)]
pub struct BoundRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// The body, byte for byte.
    pub body: &'a [u8],
}

impl BoundRequest<'_> {
    fn digest(&self) -> String {
        let mut context = Context::new(&SHA256);
        for part in [self.method.as_bytes(), b"\n", self.target.as_bytes(), b"\n", self.body] {
            context.update(part);
        }
        URL_SAFE_NO_PAD.encode(context.finish())
    }
}

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    iat: i64,
    exp: i64,
    jti: Uuid,
    req: String,
}

impl ServiceKey {
    /// A token for one request to `callee`, good for 30 seconds.
    ///
    /// # Errors
    /// [`NotSigned`].
    pub fn vouch(
        &self,
        callee: &str,
        request: BoundRequest<'_>,
        now: Timestamp,
        random: &Random,
    ) -> Result<String, NotSigned> {
        let iat = now.timestamp();
        let claims = Claims {
            iss: self.service().to_owned(),
            aud: callee.to_owned(),
            iat,
            exp: iat + LIFE_S,
            jti: ids::new_v7(now, random),
            req: request.digest(),
        };
        jwt::sign(&self.signing, TYP, None, &claims)
    }
}

/// Why a service's token is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceTokenError {
    /// It is not good.
    #[error(transparent)]
    Refused(#[from] TokenError),
    /// It was accepted before.
    #[error("seen before")]
    Replayed,
    /// More were accepted in a short time than can be remembered: later may succeed.
    #[error("too many tokens to remember")]
    Busy,
}

/// Checks the tokens that are presented to one service.
#[derive(Debug)]
pub struct ServiceTokens {
    keys: ServiceKeys,
    service: String,
    clock: Clock,
    seen: Mutex<Seen>,
}

impl ServiceTokens {
    /// A check of tokens that siblings whose keys are among `keys` present to `service`.
    #[must_use]
    pub fn new(keys: ServiceKeys, service: &str, clock: Clock) -> Self {
        Self { keys, service: service.to_owned(), clock, seen: Mutex::new(Seen::new(REMEMBERED)) }
    }

    /// The service that presents `token` with `request`. Each token is accepted once.
    ///
    /// # Errors
    /// Why it is not accepted; [`ServiceTokenError::Busy`] is the only one worth trying again.
    pub fn check(&self, token: &str, request: BoundRequest<'_>) -> Result<String, ServiceTokenError> {
        let kid = jwt::key_id(token, TYP)?;
        let trusted = self.keys.find(&kid).ok_or(TokenError::Untrusted)?;
        let claims: Claims = jwt::verify(token, &trusted.key, &trusted.service, &self.service)?;
        let now = self.clock.now().timestamp();
        let begun = claims.iat <= now + LEEWAY_S;
        let over = claims.exp.saturating_add(LEEWAY_S) <= now;
        let too_long = claims.exp.saturating_sub(claims.iat) > LIFE_S;
        if !begun || over || too_long {
            return Err(TokenError::Expired.into());
        }
        if claims.req != request.digest() {
            return Err(TokenError::NotForThis.into());
        }
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).note(claims.jti, now)?;
        Ok(claims.iss)
    }
}

/// The ids of the last [`REMEMBERED_S`] seconds, and at most as many again: two sets, of which the older is dropped as a whole.
#[derive(Debug)]
struct Seen {
    capacity: usize,
    since: i64,
    now: HashSet<Uuid>,
    before: HashSet<Uuid>,
}

impl Seen {
    fn new(capacity: usize) -> Self {
        Self { capacity, since: 0, now: HashSet::new(), before: HashSet::new() }
    }

    fn note(&mut self, id: Uuid, now: i64) -> Result<(), ServiceTokenError> {
        if now >= self.since.saturating_add(REMEMBERED_S) {
            self.before = std::mem::take(&mut self.now);
            if now >= self.since.saturating_add(2 * REMEMBERED_S) {
                self.before = HashSet::new();
            }
            self.since = now;
        }
        if self.now.contains(&id) || self.before.contains(&id) {
            return Err(ServiceTokenError::Replayed);
        }
        if self.now.len() >= self.capacity {
            return Err(ServiceTokenError::Busy);
        }
        self.now.insert(id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_remembered_as_long_as_its_token_can_be_accepted() {
        for first in 0..REMEMBERED_S {
            let mut seen = Seen::new(10);
            let (id, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
            assert_eq!(seen.note(other, 1000), Ok(()));
            assert_eq!(seen.note(id, 1000 + first), Ok(()));
            for later in 0..REMEMBERED_S {
                assert_eq!(seen.note(id, 1000 + first + later), Err(ServiceTokenError::Replayed), "{first} {later}");
            }
        }
    }

    #[test]
    fn memory_is_bounded_and_comes_free_again() {
        let mut seen = Seen::new(2);
        assert_eq!(seen.note(Uuid::from_u128(1), 1000), Ok(()));
        assert_eq!(seen.note(Uuid::from_u128(2), 1000), Ok(()));
        assert_eq!(seen.note(Uuid::from_u128(3), 1000), Err(ServiceTokenError::Busy));
        assert_eq!(seen.note(Uuid::from_u128(3), 1000 + REMEMBERED_S), Ok(()));
        assert_eq!(seen.note(Uuid::from_u128(1), 1000 + REMEMBERED_S), Err(ServiceTokenError::Replayed));
        assert_eq!(seen.note(Uuid::from_u128(1), 1000 + 3 * REMEMBERED_S), Ok(()));
        assert_eq!(seen.now.len() + seen.before.len(), 1);
    }
}
