//! Signs an access token (RFC 9068).

use secrecy::SecretString;
use tessera_common::clock::Timestamp;
use tessera_common::ids;
use tessera_contracts::call::Failure;
use tessera_contracts::ids::SessionId;
use tessera_tokens::access_token::{AccessClaims, OneOrMany, TYP};

use crate::domain::client::OAuthClient;
use crate::domain::resource::Resource;
use crate::domain::scope::Scopes;
use crate::oauth::OAuth;

/// The longest life of an access token for the platform, in seconds: what an offline check may be late by.
const LONGEST_LIFE_S: i64 = 300;

/// A token as it is handed out.
#[derive(Debug)]
pub struct IssuedToken {
    /// The token.
    pub access_token: SecretString,
    /// Its life, in seconds.
    pub expires_in: i64,
    /// Its scopes.
    pub scope: String,
}

/// Whom a token speaks for.
#[derive(Debug)]
pub struct Subject {
    /// The user's id, or the client's.
    pub id: String,
    /// The session, for a user.
    pub session: Option<SessionId>,
    /// When the user last proved a factor.
    pub proved_at: Option<Timestamp>,
}

/// Signs a token of `client` for the platform's resources `audience`.
pub fn sign_access_token(
    oauth: &OAuth,
    client: &OAuthClient,
    subject: Subject,
    scopes: &Scopes,
    audience: &[Resource],
) -> Result<IssuedToken, Failure> {
    let now = oauth.clock.now();
    let expires_in = client.access_token_ttl_s.clamp(1, LONGEST_LIFE_S);
    let claims = AccessClaims {
        iss: oauth.issuer.clone(),
        sub: subject.id,
        aud: named(audience, oauth.origin.as_str()),
        client_id: client.id.to_string(),
        scope: scopes.to_string(),
        iat: now.timestamp(),
        exp: now.timestamp().saturating_add(expires_in),
        jti: ids::new_v7(now, &oauth.random).to_string(),
        sid: subject.session.map(|session| session.to_string()),
        auth_time: subject.proved_at.map(|at| at.timestamp()),
    };
    let token = oauth
        .keys
        .sign(client.access_token_alg, TYP, None, &claims)
        .map_err(|error| Failure::Internal(Box::new(error)))?;
    Ok(IssuedToken { access_token: token.into(), expires_in, scope: claims.scope })
}

fn named(audience: &[Resource], origin: &str) -> OneOrMany {
    match audience {
        [only] => OneOrMany::One(only.uri(origin)),
        several => OneOrMany::Many(several.iter().map(|resource| resource.uri(origin)).collect()),
    }
}
