//! [`OAuthApi`] over HTTP.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tessera_common::server::Endpoints;
use utoipa::ToSchema;

use super::method::Method;
use super::peer::Peer;
use super::wire::Exposed;
use crate::call::CallError;
use crate::ids::{SessionId, UserId};
use crate::oauth::{Application, FirstPartyToken, OAuthApi};

const APPLICATION: Method<ApplicationBody, Option<Application>> =
    Method::new("oauth", "application", 1000, "The application of an id, or the default one; null if there is none");
const ISSUE_FIRST_PARTY: Method<IssueBody, Option<TokenBody>> = Method::new(
    "oauth",
    "issue_first_party",
    2000,
    "An access token for a session that has just begun; null if the application gets none, or the session does not stand",
);

#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct ApplicationBody {
    id: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct IssueBody {
    user: UserId,
    session: SessionId,
    application: String,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct TokenBody {
    access_token: Exposed,
    expires_in: i64,
    scope: String,
}

impl From<FirstPartyToken> for TokenBody {
    fn from(token: FirstPartyToken) -> Self {
        let FirstPartyToken { access_token, expires_in, scope } = token;
        Self { access_token: access_token.into(), expires_in, scope }
    }
}

impl From<TokenBody> for FirstPartyToken {
    fn from(token: TokenBody) -> Self {
        let TokenBody { access_token, expires_in, scope } = token;
        Self { access_token: access_token.into(), expires_in, scope }
    }
}

/// oauth in another process.
#[derive(Clone, Debug)]
pub struct HttpOAuth(Peer);

impl HttpOAuth {
    /// oauth at `peer`.
    #[must_use]
    pub const fn new(peer: Peer) -> Self {
        Self(peer)
    }
}

#[async_trait]
impl OAuthApi for HttpOAuth {
    async fn application(&self, id: Option<&str>) -> Result<Option<Application>, CallError> {
        self.0.call(&APPLICATION, &ApplicationBody { id: id.map(str::to_owned) }).await
    }

    async fn issue_first_party(
        &self,
        user: UserId,
        session: SessionId,
        application: &str,
    ) -> Result<Option<FirstPartyToken>, CallError> {
        let issue = IssueBody { user, session, application: application.to_owned() };
        Ok(self.0.call(&ISSUE_FIRST_PARTY, &issue).await?.map(Into::into))
    }
}

/// The operations that answer by the `A` among the listener's data.
#[must_use]
pub fn endpoints<A: OAuthApi + Clone + 'static>() -> Endpoints {
    Endpoints::new(vec![
        APPLICATION.served_by(async |api: &A, ApplicationBody { id }| api.application(id.as_deref()).await),
        ISSUE_FIRST_PARTY.served_by(async |api: &A, IssueBody { user, session, application }| {
            Ok(api.issue_first_party(user, session, &application).await?.map(Into::into))
        }),
    ])
}
