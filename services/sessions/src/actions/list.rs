//! A user's own live sessions, on whatever client.

use tessera_contracts::call::Failure;
use tessera_contracts::ids::{SessionId, UserId};

use crate::domain::session::{Session, Status};
use crate::sessions::Sessions;
use crate::store::session_rows;

/// All of them, newest first.
///
/// # Errors
/// [`Failure`].
#[tracing::instrument(name = "sessions.list.of_user", skip_all)]
pub async fn of_user(sessions: &Sessions, user: UserId) -> Result<Vec<Session>, Failure> {
    Ok(session_rows::live_of(&mut sessions.db.read().await?, user, sessions.clock.now()).await?)
}

/// One of them, by number; `None` for another user's as for none.
///
/// # Errors
/// [`Failure`].
#[tracing::instrument(name = "sessions.list.one_of_user", skip_all)]
pub async fn one_of_user(sessions: &Sessions, user: UserId, number: i64) -> Result<Option<Session>, Failure> {
    Ok(session_rows::live_by_number(&mut sessions.db.read().await?, user, number, sessions.clock.now()).await?)
}

/// Ends one of them, by id; `None` for another user's as for none.
///
/// # Errors
/// [`Failure`].
#[tracing::instrument(name = "sessions.list.revoke", skip_all)]
pub async fn revoke(sessions: &Sessions, user: UserId, id: SessionId) -> Result<Option<Session>, Failure> {
    let found = session_rows::live_by_id(&mut sessions.db.read().await?, user, id, sessions.clock.now()).await?;
    if found.is_none() {
        return Ok(None);
    }
    super::end::end(sessions, id, Status::Revoked, "revoked").await
}
