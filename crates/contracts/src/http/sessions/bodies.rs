//! What is sent for the methods of sessions whose own types do not leave the process, for they hold secrets.

use std::net::IpAddr;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tessera_common::clock::Timestamp;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::wire::Exposed;
use crate::ids::{SessionId, SignInId, UserId};
use crate::sessions::{Account, BeginSignIn, Credential, Entry, FactorKind, Proof, SessionBegun, SignInOutcome};

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct ResolveBody {
    pub(super) credential: CredentialBody,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct KnownBody {
    pub(super) credential: CredentialBody,
    pub(super) user: UserId,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct StandingBody {
    pub(super) user: UserId,
    pub(super) session: Option<SessionId>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", content = "value", rename_all = "snake_case")]
pub(super) enum CredentialBody {
    Cookie(Exposed),
    Native(Exposed),
    SessionToken(Exposed),
}

impl From<Credential> for CredentialBody {
    fn from(credential: Credential) -> Self {
        match credential {
            Credential::Cookie(secret) => Self::Cookie(secret.into()),
            Credential::Native(secret) => Self::Native(secret.into()),
            Credential::SessionToken(secret) => Self::SessionToken(secret.into()),
        }
    }
}

impl From<CredentialBody> for Credential {
    fn from(credential: CredentialBody) -> Self {
        match credential {
            CredentialBody::Cookie(secret) => Self::Cookie(secret.into()),
            CredentialBody::Native(secret) => Self::Native(secret.into()),
            CredentialBody::SessionToken(secret) => Self::SessionToken(secret.into()),
        }
    }
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct BeginBody {
    #[schema(value_type = String, format = Uuid)]
    op: Uuid,
    entry: Entry,
    credential: Option<CredentialBody>,
    account: Account,
    proofs: Vec<Proof>,
    application: Option<String>,
    #[schema(value_type = String)]
    address: IpAddr,
    user_agent: Option<String>,
}

impl From<BeginSignIn> for BeginBody {
    fn from(begin: BeginSignIn) -> Self {
        let BeginSignIn { op, entry, credential, account, proofs, application, address, user_agent } = begin;
        let credential = credential.map(Into::into);
        Self { op, entry, credential, account, proofs, application, address, user_agent }
    }
}

impl From<BeginBody> for BeginSignIn {
    fn from(begin: BeginBody) -> Self {
        let BeginBody { op, entry, credential, account, proofs, application, address, user_agent } = begin;
        let credential = credential.map(Into::into);
        Self { op, entry, credential, account, proofs, application, address, user_agent }
    }
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum OutcomeBody {
    Complete(BegunBody),
    NeedsSecondFactor(WaitingBody),
    Refused,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct WaitingBody {
    sign_in: SignInId,
    demanded: Vec<FactorKind>,
    client_token: Option<Exposed>,
    challenge_token: Option<Exposed>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(super) struct BegunBody {
    id: SessionId,
    number: i64,
    #[schema(value_type = String, format = DateTime)]
    started_at: Timestamp,
    client_token: Option<Exposed>,
    session_token: Option<Exposed>,
}

impl From<SignInOutcome> for OutcomeBody {
    fn from(outcome: SignInOutcome) -> Self {
        match outcome {
            SignInOutcome::Complete(SessionBegun { id, number, started_at, client_token, session_token }) => {
                let (client_token, session_token) = (client_token.map(Into::into), session_token.map(Into::into));
                Self::Complete(BegunBody { id, number, started_at, client_token, session_token })
            }
            SignInOutcome::NeedsSecondFactor { sign_in, demanded, client_token, challenge_token } => {
                let (client_token, challenge_token) = (client_token.map(Into::into), challenge_token.map(Into::into));
                Self::NeedsSecondFactor(WaitingBody { sign_in, demanded, client_token, challenge_token })
            }
            SignInOutcome::Refused => Self::Refused,
        }
    }
}

impl From<OutcomeBody> for SignInOutcome {
    fn from(outcome: OutcomeBody) -> Self {
        let opened = |secret: Option<Exposed>| secret.map(SecretString::from);
        match outcome {
            OutcomeBody::Complete(BegunBody { id, number, started_at, client_token, session_token }) => {
                let (client_token, session_token) = (opened(client_token), opened(session_token));
                Self::Complete(SessionBegun { id, number, started_at, client_token, session_token })
            }
            OutcomeBody::NeedsSecondFactor(WaitingBody { sign_in, demanded, client_token, challenge_token }) => {
                let (client_token, challenge_token) = (opened(client_token), opened(challenge_token));
                Self::NeedsSecondFactor { sign_in, demanded, client_token, challenge_token }
            }
            OutcomeBody::Refused => Self::Refused,
        }
    }
}
