//! A user as auth tells of one, and the sign-ins of that user.

use std::net::{IpAddr, Ipv4Addr};

use tessera_common::random::Random;
use tessera_contracts::ids::UserId;
use tessera_contracts::sessions::{
    Account, BeginSignIn, Credential, Entry, FactorKind, Proof, SessionBegun, SessionsApi as _, SignInOutcome,
};
use tessera_testkit::TestApp;
use uuid::Uuid;

/// An account under an epoch, as it was read with the password.
pub fn account(app: &TestApp, user: UserId, epoch: i64) -> Account {
    let now = app.clock.now();
    Account {
        user,
        number: 1,
        epoch,
        version: epoch,
        email: "ada@example.org".to_owned(),
        email_verified: true,
        created_at: now,
        updated_at: now,
        demanded: Vec::new(),
    }
}

/// A sign-in by a password that was proved under the account's epoch.
pub fn sign_in(app: &TestApp, account: Account, entry: Entry, credential: Option<Credential>) -> BeginSignIn {
    BeginSignIn {
        op: new_id(),
        entry,
        credential,
        proofs: vec![Proof { kind: FactorKind::Password, at: app.clock.now(), epoch: account.epoch }],
        account,
        application: None,
        address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        user_agent: None,
    }
}

/// The session that the sign-in began, unless it was refused.
pub async fn begin(app: &TestApp, begin: BeginSignIn) -> Option<SessionBegun> {
    match app.platform.sessions().begin_sign_in(begin).await.expect("an outcome") {
        SignInOutcome::Complete(begun) => Some(begun),
        SignInOutcome::Refused => None,
        SignInOutcome::NeedsSecondFactor { .. } => panic!("no second factor is demanded"),
    }
}

/// What a session is presented by.
pub fn credential(begun: &SessionBegun) -> Credential {
    match (&begun.client_token, &begun.session_token) {
        (Some(token), _) => Credential::Cookie(token.clone()),
        (None, token) => Credential::SessionToken(token.clone().expect("a session token")),
    }
}

/// Whether the session is accepted anywhere: by what was handed out for it, or by name.
pub async fn is_accepted(app: &TestApp, user: UserId, begun: &SessionBegun) -> bool {
    let sessions = app.platform.sessions();
    let resolved = sessions.resolve(credential(begun)).await.expect("an answer");
    let presented = resolved.is_some_and(|resolved| resolved.sessions.iter().any(|session| session.id == begun.id));
    presented || sessions.standing(user, Some(begun.id)).await.expect("an answer").alive
}

/// An id that nothing else has.
pub fn new_id() -> Uuid {
    Uuid::from_bytes(Random::system().bytes())
}
