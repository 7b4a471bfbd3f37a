//! Ending a session, for good.

use tessera_common::clock::Timestamp;
use tessera_contracts::call::Failure;
use tessera_contracts::events::SessionEnded;
use tessera_contracts::ids::SessionId;
use tessera_storage::Tx;

use crate::domain::session::{Session, Status};
use crate::events::published;
use crate::sessions::Sessions;
use crate::store::{client_rows, session_changes};

/// Ends a live session and tells the others; `None` when it was not alive. Once this has answered, nothing is minted from it.
///
/// # Errors
/// [`Failure`] when it could not be committed.
#[tracing::instrument(name = "sessions.end", skip_all)]
pub async fn end(
    sessions: &Sessions,
    id: SessionId,
    status: Status,
    reason: &'static str,
) -> Result<Option<Session>, Failure> {
    let now = sessions.clock.now();
    let mut tx = sessions.db.begin().await?;
    let ended = end_in(sessions, &mut tx, id, status, reason, now).await?;
    tx.commit().await?;
    sessions.committed();
    Ok(ended)
}

/// The same in a transaction of the caller's.
pub async fn end_in(
    sessions: &Sessions,
    tx: &mut Tx,
    id: SessionId,
    status: Status,
    reason: &'static str,
    now: Timestamp,
) -> sqlx::Result<Option<Session>> {
    let Some(ended) = session_changes::end(tx, id, status, reason, now).await? else {
        session_changes::settle(tx, id, now).await?;
        return Ok(None);
    };
    client_rows::session_ended(tx, ended.client, ended.id, now).await?;
    sessions.outbox.emit(tx, now, &sessions.random, &SessionEnded::new(published::session(&ended), now)).await?;
    Ok(Some(ended))
}

/// Ends a session if it is alive, and takes it off its client's list; `None` when it was ended from elsewhere.
///
/// # Errors
/// [`Failure`] when it could not be committed.
#[tracing::instrument(name = "sessions.end.remove", skip_all)]
pub async fn remove(sessions: &Sessions, id: SessionId) -> Result<Option<Session>, Failure> {
    let now = sessions.clock.now();
    let mut tx = sessions.db.begin().await?;
    let ended = end_in(sessions, &mut tx, id, Status::Removed, "signed_out", now).await?;
    let removed = session_changes::remove(&mut tx, id, now).await?;
    tx.commit().await?;
    sessions.committed();
    Ok(ended.or(removed))
}
