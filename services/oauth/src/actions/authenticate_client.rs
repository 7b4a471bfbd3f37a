//! Finding out which client asks.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use secrecy::SecretString;
use tessera_common::dialect::Limited;
use tessera_common::server::Caller;
use tessera_contracts::call::Failure;
use tessera_tokens::opaque::stored_digest;

use crate::domain::client::{AuthMethod, ClientId, OAuthClient};
use crate::domain::client_authentication::Presented;
use crate::oauth::OAuth;
use crate::store::client_rows;

/// Compared with where there is no secret, so that an unknown client takes the time of a wrong secret.
const NO_DIGEST: [u8; 32] = [0; 32];

/// Why it is not known who asks.
#[derive(Debug, thiserror::Error)]
pub enum NotAuthenticated {
    /// Unknown, disabled, a wrong secret, none, or by a method that is not the client's: callers are not told which.
    #[error("the client is unknown or did not prove itself")]
    Refused,
    /// Too many failures from this address.
    #[error("too many failures from this address")]
    Limited(Limited),
    /// It could not be found out.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<sqlx::Error> for NotAuthenticated {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// The client that is presented. Registration and secrets are read each time.
///
/// # Errors
/// [`NotAuthenticated`]; a failure counts against the caller's address.
#[tracing::instrument(name = "oauth.authenticate_client", skip_all)]
pub async fn authenticate_client(
    oauth: &OAuth,
    presented: Presented,
    caller: &Caller,
) -> Result<OAuthClient, NotAuthenticated> {
    oauth.failures.count(caller).map_err(NotAuthenticated::Limited)?;
    let client = match presented {
        Presented::Secret { method, client_id, secret } => by_secret(oauth, method, &client_id, &secret).await?,
        Presented::IdOnly(client_id) => public(oauth, &client_id).await?,
        Presented::Nothing => None,
    };
    let client = client.filter(|client| client.enabled).ok_or(NotAuthenticated::Refused)?;
    oauth.failures.take_back(caller);
    Ok(client)
}

async fn by_secret(
    oauth: &OAuth,
    method: AuthMethod,
    client_id: &str,
    secret: &SecretString,
) -> sqlx::Result<Option<OAuthClient>> {
    let Some(id) = ClientId::parse(client_id) else { return Ok(None) };
    let mut conn = oauth.db.read().await?;
    let (client, digests) = client_rows::find_with_secrets(&mut conn, &id, oauth.clock.now()).await?;
    drop(conn);
    let presented = stored_digest(secret);
    let matches = |digest: &[u8]| verify_slices_are_equal(digest, &presented).is_ok();
    let proved = digests.iter().fold(matches(&NO_DIGEST), |proved, digest| matches(digest) | proved);
    Ok(client.filter(|client| proved && client.auth_methods.contains(&method)))
}

async fn public(oauth: &OAuth, client_id: &str) -> sqlx::Result<Option<OAuthClient>> {
    let Some(id) = ClientId::parse(client_id) else { return Ok(None) };
    let client = client_rows::find(&mut oauth.db.read().await?, &id).await?;
    Ok(client.filter(|client| client.auth_methods == [AuthMethod::None]))
}
