//! Signing in with a password, for whichever API.

use secrecy::SecretString;
use tessera_common::dialect::Limited;
use tessera_common::ids;
use tessera_common::server::Caller;
use tessera_contracts::call::Failure;
use tessera_contracts::sessions::{BeginSignIn, Credential, Entry, FactorKind, Proof, SignInOutcome};

use super::check_password::{self, Checked};
use crate::auth::Auth;
use crate::domain::user::User;

/// What somebody gives to sign in.
#[derive(Debug)]
pub struct SignIn {
    /// The mail address as typed.
    pub identifier: String,
    /// The password.
    pub password: SecretString,
    /// Where it comes from.
    pub entry: Entry,
    /// The client it belongs to, if it has one.
    pub credential: Option<Credential>,
    /// The application it is for.
    pub application: Option<String>,
}

/// What came of it.
#[derive(Debug)]
pub enum SignedIn {
    /// The password was right: a session began, or a second factor is due.
    Begun(Box<User>, SignInOutcome),
    /// Wrong password, unknown account, or one that may not be used: one answer.
    Wrong,
    /// Too many wrong ones.
    Limited(Limited),
}

/// Checks the password, then begins the sign-in with the account as it was read with the proof.
///
/// # Errors
/// [`Failure`].
#[tracing::instrument(name = "auth.sign_in", skip_all)]
pub async fn sign_in(auth: &Auth, given: SignIn, caller: &Caller) -> Result<SignedIn, Failure> {
    let SignIn { identifier, password, entry, credential, application } = given;
    let checked = check_password::of_identifier(auth, &identifier, password, credential.clone()).await?;
    let user = match checked {
        Checked::Right(user, _) => user,
        Checked::Wrong => return Ok(SignedIn::Wrong),
        Checked::Limited(limited) => return Ok(SignedIn::Limited(limited)),
    };
    let now = auth.clock.now();
    let begin = BeginSignIn {
        op: ids::new_v7(now, &auth.random),
        entry,
        credential,
        account: super::account(&mut auth.db.read().await?, &user).await?,
        proofs: vec![Proof { kind: FactorKind::Password, at: now, epoch: user.security_epoch }],
        application,
        address: caller.address,
        user_agent: caller.user_agent.clone(),
    };
    match auth.sessions.begin_sign_in(begin).await? {
        // The password was changed, or the account closed, while this one was being compared.
        SignInOutcome::Refused => Ok(SignedIn::Wrong),
        begun => Ok(SignedIn::Begun(user, begun)),
    }
}
