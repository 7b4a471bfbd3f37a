//! Signing a browser in for an application; a first-party one gets a token with it.

use tessera_common::server::Caller;
use tessera_contracts::call::Failure;
use tessera_contracts::oauth::{Application, FirstPartyToken};
use tessera_contracts::sessions::SignInOutcome;

use super::sign_in::{SignIn, SignedIn, sign_in};
use crate::auth::Auth;

/// What came of it.
#[derive(Debug)]
pub enum LoggedIn {
    /// No such application, or one that may not be used.
    UnknownApplication,
    /// How the sign-in went, for which application, and the token that came with it.
    Tried(SignedIn, Application, Option<FirstPartyToken>),
}

/// Signs in for an application; without one, for the default application.
///
/// # Errors
/// [`Failure`].
#[tracing::instrument(name = "auth.log_in", skip_all)]
pub async fn log_in(
    auth: &Auth,
    application: Option<&str>,
    given: SignIn,
    caller: &Caller,
) -> Result<LoggedIn, Failure> {
    let application = auth.oauth.application(application).await?.filter(|application| application.enabled);
    let Some(application) = application else { return Ok(LoggedIn::UnknownApplication) };
    let given = SignIn { application: Some(application.id.clone()), ..given };
    let signed_in = sign_in(auth, given, caller).await?;
    let token = match &signed_in {
        SignedIn::Begun(user, SignInOutcome::Complete(session)) => {
            auth.oauth.issue_first_party(user.id, session.id, &application.id).await?
        }
        _ => None,
    };
    Ok(LoggedIn::Tried(signed_in, application, token))
}
