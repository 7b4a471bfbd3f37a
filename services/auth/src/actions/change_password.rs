//! Changing a password, by somebody who knows the present one.

use secrecy::{ExposeSecret as _, SecretString};
use tessera_common::dialect::Limited;
use tessera_common::server::Caller;
use tessera_contracts::call::Failure;
use tessera_contracts::events::PasswordChanged;
use tessera_contracts::sessions::{Credential, Cut, SessionSummary};
use tessera_messaging::durable_call;

use super::check_password::{self, Checked};
use crate::auth::Auth;
use crate::domain::mailed_link::Purpose;
use crate::domain::password;
use crate::domain::registration::{Attribute, Problem, Problems};
use crate::domain::user::{Status, User};
use crate::events::published;
use crate::outgoing::CutSessions;
use crate::store::account_event_rows::{self, Action, NewEvent};
use crate::store::{mailed_link_rows, user_rows};

/// What is given to change a password.
#[derive(Debug)]
pub struct ChangePassword {
    /// What the session in use was presented by.
    pub credential: Credential,
    /// The present password.
    pub current: SecretString,
    /// The new one.
    pub password: SecretString,
    /// Its repetition, if one was sent.
    pub password_confirmation: Option<SecretString>,
}

/// Why the password is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ChangePasswordError {
    /// The present password is another.
    #[error("the present password is another")]
    WrongCurrent,
    /// The session in use ended meanwhile.
    #[error("the session in use is over")]
    SessionOver,
    /// Too many wrong ones.
    #[error("too many wrong passwords")]
    Limited(Limited),
    /// The new one does not do.
    #[error("the new password does not do")]
    Invalid(Problems),
    /// It could not be done.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<sqlx::Error> for ChangePasswordError {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Changes the password and ends every other session of the user, and every outstanding reset link. The session in use goes on.
///
/// # Errors
/// The present password is judged first, whatever else is wrong.
#[tracing::instrument(name = "auth.change_password", skip_all)]
pub async fn change_password(
    auth: &Auth,
    session: &SessionSummary,
    given: ChangePassword,
    caller: &Caller,
) -> Result<User, ChangePasswordError> {
    let checked = check_password::of_user(auth, session.user, given.current).await?;
    let (user, old) = match checked {
        Checked::Right(user, phc) => (user, phc),
        Checked::Wrong => return Err(ChangePasswordError::WrongCurrent),
        Checked::Limited(limited) => return Err(ChangePasswordError::Limited(limited)),
    };
    let problems = judge(auth, &user, &given.password, given.password_confirmation.as_ref());
    if !problems.is_empty() {
        return Err(ChangePasswordError::Invalid(problems));
    }
    let new = auth.hasher.hash(given.password, &auth.random).await?;
    // Hashing takes long enough for somebody to end the session meanwhile, because it is not its owner who uses it.
    let resolved = auth.sessions.resolve(given.credential).await.map_err(Failure::from)?;
    if resolved.and_then(|resolved| resolved.current).is_none_or(|current| current != session.id) {
        return Err(ChangePasswordError::SessionOver);
    }
    commit(auth, session, &user, (&old, &new), caller).await
}

fn judge(auth: &Auth, user: &User, password: &SecretString, repeated: Option<&SecretString>) -> Problems {
    let judged = password::judge(password, &user.email, auth.settings.password_composition);
    let mut problems: Problems = judged.into_iter().map(|problem| (Attribute::Password, problem)).collect();
    if repeated.is_some_and(|repeated| repeated.expose_secret() != password.expose_secret()) {
        problems.push((Attribute::PasswordConfirmation, Problem::Unequal));
    }
    problems
}

async fn commit(
    auth: &Auth,
    session: &SessionSummary,
    checked: &User,
    (old, new): (&str, &str),
    caller: &Caller,
) -> Result<User, ChangePasswordError> {
    let now = auth.clock.now();
    let mut tx = auth.db.begin().await?;
    // Conditional on the hash that was compared: of two changes at once the second was made with a password that is none any more.
    if !user_rows::replace_password(&mut tx, session.user, old, new, now).await? {
        return Err(ChangePasswordError::WrongCurrent);
    }
    let changed = user_rows::changed(&mut tx, session.user, true, now).await?;
    // A cut that came while the passwords were hashed ends this session too; it changes nothing then.
    let stands = |user: &User| user.status == Status::Active && user.security_epoch == checked.security_epoch + 1;
    let user = changed.filter(stands).ok_or(ChangePasswordError::WrongCurrent)?;
    mailed_link_rows::void(&mut tx, user.id, Purpose::ResetPassword, now).await?;
    account_event_rows::insert(&mut tx, NewEvent::by(caller, user.id, Action::PasswordChanged, now)).await?;
    let event = PasswordChanged::new(published::user(&user), super::actor(caller), now);
    auth.outbox.emit(&mut tx, now, &auth.random, &event).await?;
    let cut = Cut { user: user.id, epoch: user.security_epoch, disabled: false, keep: Some(session.id) };
    let cut = durable_call::queue(&mut tx, &CutSessions(cut), now, &auth.random).await?;
    tx.commit().await?;
    auth.committed();
    auth.calls.try_now(cut).await;
    Ok(user)
}
