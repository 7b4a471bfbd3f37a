//! Making an account.

use secrecy::{ExposeSecret as _, SecretString};
use tessera_common::server::Caller;
use tessera_contracts::call::Failure;
use tessera_contracts::email_address::EmailAddress;
use tessera_contracts::events::UserRegistered;
use tessera_contracts::ids::UserId;
use tessera_storage::database::is_unique_violation;

use super::mail_link;
use crate::auth::{Auth, Enumeration};
use crate::domain::password;
use crate::domain::registration::{Attribute, Problem, Problems};
use crate::domain::user::{Status, User};
use crate::events::published;
use crate::store::user_rows::{self, NewUser};

/// What a stranger gives to get an account.
#[derive(Debug)]
pub struct SignUp {
    /// The address as typed.
    pub email: String,
    /// The password.
    pub password: SecretString,
    /// Its repetition, if one was sent.
    pub password_confirmation: Option<SecretString>,
}

/// Why there is no account now.
#[derive(Debug, thiserror::Error)]
pub enum SignUpError {
    /// What was given does not do.
    #[error("what was given does not do")]
    Invalid(Problems),
    /// It could not be done.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<sqlx::Error> for SignUpError {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Makes the account, queues the mail that verifies its address, and tells the others. Opens no session.
///
/// # Errors
/// Every problem with what was given, at once. The unique index decides between two who take one address together.
#[tracing::instrument(name = "auth.sign_up", skip_all)]
pub async fn sign_up(auth: &Auth, given: SignUp, caller: &Caller) -> Result<User, SignUpError> {
    let email = EmailAddress::parse(&given.email);
    let mut problems = judge(auth, &given, email.as_ref());
    let taken = match &email {
        Some(email) => user_rows::is_taken(&mut auth.db.read().await?, email.canonical()).await?,
        None => false,
    };
    let hidden = auth.settings.enumeration == Enumeration::Hidden;
    if taken && !hidden {
        problems.insert(0, (Attribute::Email, Problem::Taken));
    }
    let Some(email) = email.filter(|_| problems.is_empty()) else { return Err(SignUpError::Invalid(problems)) };
    let phc = auth.hasher.hash(given.password, &auth.random).await?;
    if taken {
        return Ok(decoy(auth, &email).await?);
    }
    match register(auth, &email, phc, caller).await {
        Err(error) if is_unique_violation(&error) && hidden => Ok(decoy(auth, &email).await?),
        Err(error) if is_unique_violation(&error) => {
            Err(SignUpError::Invalid(vec![(Attribute::Email, Problem::Taken)]))
        }
        registered => Ok(registered?),
    }
}

fn judge(auth: &Auth, given: &SignUp, email: Option<&EmailAddress>) -> Problems {
    let mut problems = Problems::new();
    if given.email.trim().is_empty() {
        problems.push((Attribute::Email, Problem::Blank));
    }
    if email.is_none() {
        problems.push((Attribute::Email, Problem::Invalid));
    }
    let judged = password::judge(&given.password, &given.email, auth.settings.password_composition);
    problems.extend(judged.into_iter().map(|problem| (Attribute::Password, problem)));
    let repeated = given.password_confirmation.as_ref();
    if repeated.is_some_and(|repeated| repeated.expose_secret() != given.password.expose_secret()) {
        problems.push((Attribute::PasswordConfirmation, Problem::Unequal));
    }
    problems
}

async fn register(auth: &Auth, email: &EmailAddress, phc: String, caller: &Caller) -> sqlx::Result<User> {
    let now = auth.clock.now();
    let mut tx = auth.db.begin().await?;
    let new = NewUser {
        id: UserId::new(now, &auth.random),
        email_id: tessera_common::ids::new_v7(now, &auth.random),
        email,
        phc,
        now,
    };
    let user = user_rows::insert(&mut tx, new).await?;
    let mail = mail_link::verify_email(auth, &mut tx, user.id, email, now).await?;
    let event = UserRegistered::new(published::user(&user), super::actor(caller), now);
    auth.outbox.emit(&mut tx, now, &auth.random, &event).await?;
    tx.commit().await?;
    auth.committed();
    auth.calls.try_now(mail).await;
    Ok(user)
}

/// What a stranger sees who signs up with a taken address while accounts are hidden: a user like any other, who does not exist. The
/// owner of the address is told.
async fn decoy(auth: &Auth, email: &EmailAddress) -> sqlx::Result<User> {
    let now = auth.clock.now();
    let mut tx = auth.db.begin().await?;
    let number = user_rows::next_number(&mut tx).await?;
    let owner = user_rows::with_password(&mut tx, email.canonical()).await?;
    let mail = match owner {
        Some((owner, _)) => Some(mail_link::address_taken(auth, &mut tx, owner.id, email, now).await?),
        None => None,
    };
    tx.commit().await?;
    if let Some(mail) = mail {
        auth.calls.try_now(mail).await;
    }
    Ok(User {
        number,
        id: UserId::new(now, &auth.random),
        status: Status::Active,
        security_epoch: 1,
        email: email.as_given().to_owned(),
        email_verified_at: None,
        version: 1,
        created_at: now,
        updated_at: now,
    })
}
