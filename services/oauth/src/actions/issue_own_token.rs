//! A token of the client's own (`client_credentials`). Asks nobody.

use tessera_contracts::call::Failure;

pub use super::sign_access_token::IssuedToken;
use super::sign_access_token::{Subject, sign_access_token};
use crate::domain::client::OAuthClient;
use crate::domain::own_token::{self, NotGranted};
use crate::domain::token_request::TokenRequest;
use crate::oauth::OAuth;

/// Why no token was issued.
#[derive(Debug, thiserror::Error)]
pub enum NotIssued {
    /// The client may not have it.
    #[error(transparent)]
    NotGranted(#[from] NotGranted),
    /// It could not be done.
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Issues a token to `client` for itself.
///
/// # Errors
/// Why not.
pub fn issue_own_token(oauth: &OAuth, client: &OAuthClient, request: &TokenRequest) -> Result<IssuedToken, NotIssued> {
    let granted = own_token::decide(client, request.scope.as_deref(), &request.resources, oauth.origin.as_str())?;
    let subject = Subject { id: client.id.to_string(), session: None, proved_at: None };
    Ok(sign_access_token(oauth, client, subject, &granted.scopes, &granted.audience)?)
}
