//! What sessions does for auth and oauth.

use std::net::IpAddr;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tessera_common::clock::Timestamp;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::CallError;
use crate::ids::{BrowserClientId, SessionId, SignInId, UserId};

/// Clients, sign-ins and sessions.
#[async_trait]
pub trait SessionsApi: Send + Sync + std::fmt::Debug {
    /// Who presents `credential`; `None` for nobody. Read from the database each time.
    ///
    /// # Errors
    /// [`CallError`].
    async fn resolve(&self, credential: Credential) -> Result<Option<Resolved>, CallError>;

    /// Whether the client that presents `credential` has held a session of `user`: it then has a budget of wrong passwords of its own.
    ///
    /// # Errors
    /// [`CallError`]; callers take it for "no".
    async fn client_known(&self, credential: Credential, user: UserId) -> Result<bool, CallError>;

    /// Begins a login whose first factor was proved; without a demanded second factor it is complete at once.
    ///
    /// # Errors
    /// [`CallError`]; a repeat with the same `op` has the same outcome.
    async fn begin_sign_in(&self, begin: BeginSignIn) -> Result<SignInOutcome, CallError>;

    /// Raises the user's floor and ends everything born below it, but `keep`. Repeats and late ones are harmless.
    ///
    /// # Errors
    /// [`CallError`].
    async fn cut(&self, cut: Cut) -> Result<CutDone, CallError>;

    /// Whether something may be issued for a user, and for a session of theirs. Never from a cache.
    ///
    /// # Errors
    /// [`CallError`].
    async fn standing(&self, user: UserId, session: Option<SessionId>) -> Result<Standing, CallError>;
}

/// What a caller presents.
#[derive(Clone, Debug)]
pub enum Credential {
    /// The `__client` cookie.
    Cookie(SecretString),
    /// A native app's client token.
    Native(SecretString),
    /// The accounts API's session token.
    SessionToken(SecretString),
}

/// A client that was recognised.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Resolved {
    /// The client.
    pub client: BrowserClientId,
    /// Whether the presented secret was replaced a moment ago.
    pub stale: bool,
    /// Its live sessions; for a session token exactly its own.
    pub sessions: Vec<SessionSummary>,
    /// The one that acts.
    pub current: Option<SessionId>,
}

impl Resolved {
    /// The session that acts.
    #[must_use]
    pub fn current(&self) -> Option<&SessionSummary> {
        self.sessions.iter().find(|session| Some(session.id) == self.current)
    }
}

/// A live session in brief.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionSummary {
    /// Its id.
    pub id: SessionId,
    /// Its number in the accounts API.
    pub number: i64,
    /// Whose it is.
    pub user: UserId,
    /// The user's number in the accounts API.
    pub user_number: i64,
    /// The security epoch it was born under.
    pub epoch: i64,
    /// When a first factor was last proved in it.
    #[schema(value_type = String, format = DateTime)]
    pub first_factor_at: Timestamp,
    /// When a second factor was last proved in it.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub second_factor_at: Option<Timestamp>,
}

/// An account as auth read it with the proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// The user.
    pub user: UserId,
    /// The user's number in the accounts API.
    pub number: i64,
    /// Raised by every change that must end sessions.
    pub epoch: i64,
    /// Raised by every change of the profile.
    pub version: i64,
    /// The primary address, as given.
    pub email: String,
    /// Whether it was proved.
    pub email_verified: bool,
    /// When the account was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    /// Second factors the account demands; empty for none.
    pub demanded: Vec<FactorKind>,
}

/// Kinds of factors, by the platform's own names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FactorKind {
    /// A password.
    Password,
    /// A mailed code or link.
    EmailCode,
    /// A code by text message.
    PhoneCode,
    /// An authenticator app.
    Totp,
    /// A backup code.
    BackupCode,
    /// Approval on a device.
    Device,
}

/// A factor that was proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Proof {
    /// Which.
    pub kind: FactorKind,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The account's epoch, read with it.
    pub epoch: i64,
}

/// Where a login comes from: decides the session's policy and its credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// The identity API and the pages: the browser's client and its cookie.
    Browser,
    /// The accounts API: a client of its own whose only credential is the session token.
    Api,
    /// The client API.
    Client,
}

/// A login whose first factor was proved.
#[derive(Clone, Debug)]
pub struct BeginSignIn {
    /// One intent: its repeat has the same outcome, secrets included.
    pub op: Uuid,
    /// Where it comes from.
    pub entry: Entry,
    /// The client it belongs to, if it has one.
    pub credential: Option<Credential>,
    /// The account as read with the proof.
    pub account: Account,
    /// What was proved.
    pub proofs: Vec<Proof>,
    /// The application it is for.
    pub application: Option<String>,
    /// Where the request came from.
    pub address: IpAddr,
    /// What it called itself.
    pub user_agent: Option<String>,
}

/// How a login stands.
#[derive(Clone, Debug)]
pub enum SignInOutcome {
    /// Complete: a session began.
    Complete(SessionBegun),
    /// A second factor is due.
    NeedsSecondFactor {
        /// The pending login.
        sign_in: SignInId,
        /// What the account demands.
        demanded: Vec<FactorKind>,
        /// The client's new secret, for a browser.
        client_token: Option<SecretString>,
        /// The login's only credential, for the accounts API.
        challenge_token: Option<SecretString>,
    },
    /// The account was disabled, or its epoch has risen since it was read: nothing began.
    Refused,
}

/// A session that has just begun, with the secrets that are shown once.
#[derive(Clone, Debug)]
pub struct SessionBegun {
    /// The session.
    pub id: SessionId,
    /// Its number in the accounts API.
    pub number: i64,
    /// When it began.
    pub started_at: Timestamp,
    /// The client's new secret, for a browser or a native app.
    pub client_token: Option<SecretString>,
    /// The session token, for the accounts API.
    pub session_token: Option<SecretString>,
}

/// Ends everything of a user that is older than a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cut {
    /// Whose.
    pub user: UserId,
    /// The epoch that the change raised to.
    pub epoch: i64,
    /// Whether the account may not be used at all.
    pub disabled: bool,
    /// The session that the change was made in, if it goes on.
    pub keep: Option<SessionId>,
}

/// What a cut did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CutDone {
    /// The user's floor now.
    pub floor: i64,
    /// Sessions that this call ended.
    pub ended: u64,
}

/// Whether something may be issued for a user now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Standing {
    /// The session lives; true when none was asked about.
    pub alive: bool,
    /// What is born below it is dead.
    pub floor: i64,
    /// The account may not be used.
    pub disabled: bool,
    /// When a first factor was last proved in the session.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub first_factor_at: Option<Timestamp>,
    /// When a second factor was last proved in the session.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub second_factor_at: Option<Timestamp>,
}
