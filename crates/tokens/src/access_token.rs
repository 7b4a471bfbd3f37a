//! JWT access tokens (RFC 9068): the claims, and the check that each resource of the platform makes offline.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tessera_common::clock::Clock;

use crate::jwt::{self, TokenError, VerifyingKey};

/// `typ` of an access token (RFC 9068, 2.1).
pub const TYP: &str = "at+jwt";

/// What an access token says. Times are Unix seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessClaims {
    /// The issuer, `<origin>/oauth2`.
    pub iss: String,
    /// The user's id, or the client's for its own tokens.
    pub sub: String,
    /// The resources it is for.
    pub aud: OneOrMany,
    /// The client it was issued to.
    pub client_id: String,
    /// Scopes, separated by blanks.
    #[serde(default)]
    pub scope: String,
    /// When it was issued.
    pub iat: i64,
    /// When it ends.
    pub exp: i64,
    /// Its name.
    pub jti: String,
    /// The session it was issued from, for a user's token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<String>,
    /// When the user last proved a factor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
}

impl AccessClaims {
    /// Whether the token carries `scope`.
    #[must_use]
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scope.split(' ').any(|held| held == scope)
    }

    /// Whether the token is the client's own (`client_credentials`), not a user's.
    #[must_use]
    pub fn is_clients_own(&self) -> bool {
        self.sub == self.client_id && self.sid.is_none()
    }
}

/// `aud`: a string, or an array of several.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum OneOrMany {
    /// One audience.
    One(String),
    /// Several.
    Many(Vec<String>),
}

/// Finds the public key of a `kid`.
#[async_trait]
pub trait PublicKeys: Send + Sync + std::fmt::Debug {
    /// The key, or `None` if the set has no such key.
    ///
    /// # Errors
    /// [`TokenError::KeysUnavailable`] when no set was ever had.
    async fn find(&self, kid: &str) -> Result<Option<VerifyingKey>, TokenError>;
}

/// Checks access tokens for one resource.
#[derive(Clone, Debug)]
pub struct AccessTokens {
    keys: Arc<dyn PublicKeys>,
    issuer: String,
    audience: String,
    clock: Clock,
}

impl AccessTokens {
    /// A check of tokens by `issuer` for the resource `audience`.
    #[must_use]
    pub fn new(keys: Arc<dyn PublicKeys>, issuer: String, audience: String, clock: Clock) -> Self {
        Self { keys, issuer, audience, clock }
    }

    /// The claims of a token that is good for this resource now.
    ///
    /// # Errors
    /// Why it is not; [`TokenError::KeysUnavailable`] is the only one worth trying again.
    pub async fn check(&self, token: &str) -> Result<AccessClaims, TokenError> {
        let kid = jwt::key_id(token, TYP)?;
        let key = self.keys.find(&kid).await?.ok_or(TokenError::Untrusted)?;
        let Presented { claims, nbf } = jwt::verify(token, &key, &self.issuer, &self.audience)?;
        let not_before = nbf.map_or(claims.iat, |nbf| nbf.max(claims.iat));
        jwt::within_lifetime(self.clock.now(), not_before, claims.exp)?;
        Ok(claims)
    }
}

/// Claims as presented: oauth issues no `nbf`, but one that is there counts (RFC 7519, 4.1.5).
#[derive(Deserialize)]
struct Presented {
    #[serde(flatten)]
    claims: AccessClaims,
    nbf: Option<i64>,
}
