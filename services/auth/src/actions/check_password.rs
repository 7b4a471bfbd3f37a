//! Whether a password is right. Counted before it is compared; the same work for an account that is not there.

use secrecy::SecretString;
use tessera_common::dialect::Limited;
use tessera_common::hex::hex;
use tessera_contracts::call::Failure;
use tessera_contracts::email_address::EmailAddress;
use tessera_contracts::ids::UserId;
use tessera_contracts::sessions::Credential;

use crate::auth::Auth;
use crate::domain::user::{Status, User};
use crate::store::attempt_rows;
use crate::store::user_rows;

/// The budget of wrong passwords that everybody shares who has never been signed in.
const STRANGERS: &str = "strangers";

/// What came of it.
#[derive(Debug)]
pub enum Checked {
    /// It is right, and the account may be used; with the hash it was compared with.
    Right(Box<User>, String),
    /// It is wrong, or the account may not be used: nobody learns which.
    Wrong,
    /// Too many were wrong: it was not compared.
    Limited(Limited),
}

/// Checks the password of whoever has this mail address.
///
/// # Errors
/// [`Failure`]; the attempt is then counted all the same.
#[tracing::instrument(name = "auth.check_password.of_identifier", skip_all)]
pub async fn of_identifier(
    auth: &Auth,
    identifier: &str,
    password: SecretString,
    credential: Option<Credential>,
) -> Result<Checked, Failure> {
    let address = EmailAddress::parse(identifier);
    let found = match &address {
        Some(address) => user_rows::with_password(&mut auth.db.read().await?, address.canonical()).await?,
        None => None,
    };
    // Every spelling of an account is counted as that account; unknown ones by what was typed.
    let typed = address.as_ref().map_or(identifier, EmailAddress::canonical);
    let subject = found.as_ref().map_or_else(|| typed.to_owned(), |(user, _)| user.id.to_string());
    let budget = budget(auth, credential, found.as_ref().map(|(user, _)| user.id)).await;
    check(auth, &subject, &budget, found, password).await
}

/// Checks the password of a user who is signed in.
///
/// # Errors
/// As [`of_identifier`].
#[tracing::instrument(name = "auth.check_password.of_user", skip_all)]
pub async fn of_user(auth: &Auth, user: UserId, password: SecretString) -> Result<Checked, Failure> {
    let mut on = auth.db.read().await?;
    let found = match user_rows::by_id(&mut on, user).await? {
        Some(found) => Some((found, user_rows::password_of(&mut on, user).await?)),
        None => None,
    };
    drop(on);
    check(auth, &user.to_string(), "signed in", found, password).await
}

/// A client that has held a session of the account has a budget of its own: strangers cannot lock its owner out.
async fn budget(auth: &Auth, credential: Option<Credential>, user: Option<UserId>) -> String {
    let (Some(credential), Some(user)) = (credential, user) else { return STRANGERS.to_owned() };
    match auth.sessions.client_known(credential, user).await {
        Ok(true) => "known client".to_owned(),
        Ok(false) | Err(_) => STRANGERS.to_owned(),
    }
}

async fn check(
    auth: &Auth,
    subject: &str,
    budget: &str,
    found: Option<(User, Option<String>)>,
    password: SecretString,
) -> Result<Checked, Failure> {
    let now = auth.clock.now();
    let subject = hex(&auth.subjects.derive(&["subject"], subject.as_bytes()));
    let counted = attempt_rows::count(&mut auth.db.write().await?, &subject, budget, now).await?;
    if let Err(until) = counted {
        let seconds = |time: chrono::TimeDelta| u32::try_from(time.num_seconds().max(1)).unwrap_or(u32::MAX);
        let quota = u32::try_from(attempt_rows::QUOTA).unwrap_or(u32::MAX);
        let limited = Limited { retry_after: seconds(until - now), quota, window: seconds(attempt_rows::WINDOW) };
        return Ok(Checked::Limited(limited));
    }
    let phc = found.as_ref().and_then(|(_, phc)| phc.clone());
    let right = auth.hasher.verify(password, phc).await?;
    match found {
        Some((user, Some(phc))) if right => {
            attempt_rows::take_back(&mut auth.db.write().await?, &subject, budget).await?;
            if user.status == Status::Active { Ok(Checked::Right(Box::new(user), phc)) } else { Ok(Checked::Wrong) }
        }
        _ => Ok(Checked::Wrong),
    }
}
