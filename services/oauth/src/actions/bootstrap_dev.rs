//! The clients of the dev profile. They are fixed, so that examples can rely on them; their secret is public.

use tessera_common::clock::Timestamp;
use tessera_common::ids;
use tessera_contracts::call::Failure;
use tessera_tokens::jwk::Algorithm;
use tessera_tokens::opaque::stored_digest;

use crate::domain::client::{AccessTokenFormat, AuthMethod, ClientId, GrantType, OAuthClient, ResponseType};
use crate::domain::scope::Scopes;
use crate::oauth::OAuth;
use crate::store::{client_rows, secret_rows};

pub const CONFIDENTIAL: &str = "tessera-dev";
const SECRET: &str = "tessera-dev-secret";
pub const PUBLIC: &str = "tessera-dev-public";
const REDIRECT_URI: &str = "http://127.0.0.1:9999/callback";
const SCOPES: &str = "openid profile email phone offline_access session signup verify verify:forced_code admin";

/// Registers them where they are not there yet; what was changed about them since stays.
///
/// # Errors
/// When the database fails.
pub async fn bootstrap_dev(oauth: &OAuth) -> Result<(), Failure> {
    let now = oauth.clock.now();
    let mut tx = oauth.db.begin().await?;
    for client in [confidential(now), public(now)].into_iter().flatten() {
        let added = client_rows::insert(&mut tx, &client).await?;
        if added && client.is_confidential() {
            let digest = stored_digest(&SECRET.to_owned().into());
            secret_rows::insert(&mut tx, ids::new_v7(now, &oauth.random), &client.id, digest, now).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

fn confidential(now: Timestamp) -> Option<OAuthClient> {
    Some(OAuthClient {
        id: ClientId::parse(CONFIDENTIAL)?,
        name: "Development".to_owned(),
        enabled: true,
        first_party: true,
        auth_methods: vec![AuthMethod::SecretBasic, AuthMethod::SecretPost],
        grants: vec![GrantType::ClientCredentials, GrantType::AuthorizationCode, GrantType::RefreshToken],
        response_types: vec![ResponseType::Code],
        scopes: Scopes::known(SCOPES.split(' ')),
        redirect_uris: vec![REDIRECT_URI.to_owned()],
        require_pkce: true,
        access_token_format: AccessTokenFormat::Jwt,
        access_token_alg: Algorithm::RS256,
        access_token_ttl_s: 300,
        id_token_alg: Algorithm::RS256,
        version: 1,
        created_at: now,
        updated_at: now,
    })
}

/// Its twin without a secret, and so without tokens of its own.
fn public(now: Timestamp) -> Option<OAuthClient> {
    let twin = confidential(now)?;
    Some(OAuthClient {
        id: ClientId::parse(PUBLIC)?,
        name: "Development, public".to_owned(),
        auth_methods: vec![AuthMethod::None],
        grants: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
        scopes: twin.scopes.only(|scope| !scope.fits_own_token()),
        ..twin
    })
}
