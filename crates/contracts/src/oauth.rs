//! What oauth does for auth.

use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::call::CallError;
use crate::ids::{SessionId, UserId};

/// Applications, and the tokens a first-party one gets with a login.
#[async_trait]
pub trait OAuthApi: Send + Sync + std::fmt::Debug {
    /// The application of that id; `None` if there is none. Without an id: the default application.
    ///
    /// # Errors
    /// [`CallError`].
    async fn application(&self, id: Option<&str>) -> Result<Option<Application>, CallError>;

    /// An access token for a session that has just begun, scopes `openid profile email`, 300 s, no refresh token. `None` when the
    /// application is not first-party or the session does not stand.
    ///
    /// # Errors
    /// [`CallError`].
    async fn issue_first_party(
        &self,
        user: UserId,
        session: SessionId,
        application: &str,
    ) -> Result<Option<FirstPartyToken>, CallError>;
}

/// An OAuth client, as far as others must know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Application {
    /// Its `client_id`.
    pub id: String,
    /// For people.
    pub name: String,
    /// Whether it may be used.
    pub enabled: bool,
    /// Whether it is the operator's own.
    pub first_party: bool,
}

/// A token handed out with a login.
#[derive(Clone, Debug)]
pub struct FirstPartyToken {
    /// The token.
    pub access_token: SecretString,
    /// Its life, in seconds.
    pub expires_in: i64,
    /// Its scopes.
    pub scope: String,
}
