//! [`SessionsApi`] over HTTP.

mod bodies;

use async_trait::async_trait;
use tessera_common::server::Endpoints;

use self::bodies::{BeginBody, KnownBody, OutcomeBody, ResolveBody, StandingBody};
use super::method::Method;
use super::peer::Peer;
use crate::call::CallError;
use crate::ids::{SessionId, UserId};
use crate::sessions::{BeginSignIn, Credential, Cut, CutDone, Resolved, SessionsApi, SignInOutcome, Standing};

const RESOLVE: Method<ResolveBody, Option<Resolved>> =
    Method::new("sessions", "resolve", 1000, "Who presents a credential; null for nobody");
const CLIENT_KNOWN: Method<KnownBody, bool> = Method::new(
    "sessions",
    "client_known",
    500,
    "Whether the client that presents a credential has held a session of the user",
);
const BEGIN_SIGN_IN: Method<BeginBody, OutcomeBody> =
    Method::new("sessions", "begin_sign_in", 2000, "Begins a login whose first factor was proved");
const CUT: Method<Cut, CutDone> =
    Method::new("sessions", "cut", 1000, "Raises a user's floor and ends everything born below it");
const STANDING: Method<StandingBody, Standing> = Method::new(
    "sessions",
    "standing",
    1000,
    "Whether something may be issued for a user, and for a session of theirs",
);

/// sessions in another process.
#[derive(Clone, Debug)]
pub struct HttpSessions(Peer);

impl HttpSessions {
    /// sessions at `peer`.
    #[must_use]
    pub const fn new(peer: Peer) -> Self {
        Self(peer)
    }
}

#[async_trait]
impl SessionsApi for HttpSessions {
    async fn resolve(&self, credential: Credential) -> Result<Option<Resolved>, CallError> {
        self.0.call(&RESOLVE, &ResolveBody { credential: credential.into() }).await
    }

    async fn client_known(&self, credential: Credential, user: UserId) -> Result<bool, CallError> {
        self.0.call(&CLIENT_KNOWN, &KnownBody { credential: credential.into(), user }).await
    }

    async fn begin_sign_in(&self, begin: BeginSignIn) -> Result<SignInOutcome, CallError> {
        self.0.call(&BEGIN_SIGN_IN, &begin.into()).await.map(Into::into)
    }

    async fn cut(&self, cut: Cut) -> Result<CutDone, CallError> {
        self.0.call(&CUT, &cut).await
    }

    async fn standing(&self, user: UserId, session: Option<SessionId>) -> Result<Standing, CallError> {
        self.0.call(&STANDING, &StandingBody { user, session }).await
    }
}

/// The operations that answer by the `A` among the listener's data.
#[must_use]
pub fn endpoints<A: SessionsApi + Clone + 'static>() -> Endpoints {
    Endpoints::new(vec![
        RESOLVE.served_by(async |api: &A, ResolveBody { credential }| api.resolve(credential.into()).await),
        CLIENT_KNOWN
            .served_by(async |api: &A, KnownBody { credential, user }| api.client_known(credential.into(), user).await),
        BEGIN_SIGN_IN
            .served_by(async |api: &A, begin: BeginBody| api.begin_sign_in(begin.into()).await.map(Into::into)),
        CUT.served_by(async |api: &A, cut| api.cut(cut).await),
        STANDING.served_by(async |api: &A, StandingBody { user, session }| api.standing(user, session).await),
    ])
}
