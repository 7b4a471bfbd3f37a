//! What this context does for its siblings, called directly.

use async_trait::async_trait;
use secrecy::ExposeSecret as _;
use tessera_contracts::call::{CallError, Failure};
use tessera_contracts::ids::{SessionId, UserId};
use tessera_contracts::sessions::{
    BeginSignIn, Credential, Cut, CutDone, Resolved, SessionSummary, SessionsApi, SignInOutcome,
    Standing as UserStanding,
};

use crate::actions::begin_sign_in::begin_sign_in;
use crate::actions::cut::cut;
use crate::actions::{resolve, standing};
use crate::domain::client::Standing;
use crate::domain::session::Session;
use crate::sessions::Sessions;

const CALLEE: &str = "sessions";

/// A session in brief.
const fn summary(session: &Session) -> SessionSummary {
    SessionSummary {
        id: session.id,
        number: session.number,
        user: session.user,
        user_number: session.user_number,
        epoch: session.epoch,
        first_factor_at: session.first_factor_at,
        second_factor_at: session.second_factor_at,
    }
}

fn failed(failure: impl Into<Failure>) -> CallError {
    failure.into().as_callee(CALLEE)
}

#[async_trait]
impl SessionsApi for Sessions {
    async fn resolve(&self, credential: Credential) -> Result<Option<Resolved>, CallError> {
        if let Credential::SessionToken(token) = &credential {
            let session = resolve::by_token(self, token.expose_secret()).await.map_err(failed)?;
            return Ok(session.map(|session| Resolved {
                client: session.client,
                stale: false,
                current: Some(session.id),
                sessions: vec![summary(&session)],
            }));
        }
        let presented = resolve::client(self, &credential).await.map_err(failed)?;
        let Some(presented) = presented.filter(|presented| presented.standing != Standing::Gone) else {
            return Ok(None);
        };
        let (now, listed) = (self.clock.now(), presented.listed);
        let current = presented.client.last_active_session;
        let live = listed.iter().filter(|session| session.is_live(now));
        Ok(Some(Resolved {
            client: presented.client.id,
            stale: presented.standing == Standing::Stale,
            sessions: live.map(summary).collect(),
            current: current.filter(|id| listed.iter().any(|session| session.id == *id)),
        }))
    }

    async fn client_known(&self, credential: Credential, user: UserId) -> Result<bool, CallError> {
        resolve::has_held(self, &credential, user).await.map_err(failed)
    }

    async fn begin_sign_in(&self, begin: BeginSignIn) -> Result<SignInOutcome, CallError> {
        begin_sign_in(self, begin).await.map_err(failed)
    }

    async fn cut(&self, wanted: Cut) -> Result<CutDone, CallError> {
        cut(self, wanted).await.map_err(failed)
    }

    async fn standing(&self, user: UserId, session: Option<SessionId>) -> Result<UserStanding, CallError> {
        standing::standing(self, user, session).await.map_err(failed)
    }
}
