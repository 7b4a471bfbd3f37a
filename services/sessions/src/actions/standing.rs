//! Whether something may be issued for a user, and for a session of theirs. Asked each time, never remembered.

use tessera_contracts::call::Failure;
use tessera_contracts::ids::{SessionId, UserId};
use tessera_contracts::sessions::Standing;

use crate::sessions::Sessions;
use crate::store::{floor_rows, session_rows};

/// How the user, and the session if one is named, stand now.
///
/// # Errors
/// [`Failure`].
#[tracing::instrument(name = "sessions.standing", skip_all)]
pub async fn standing(sessions: &Sessions, user: UserId, session: Option<SessionId>) -> Result<Standing, Failure> {
    let now = sessions.clock.now();
    let mut on = sessions.db.read().await?;
    let floor = floor_rows::read(&mut on, user).await?;
    let found = match session {
        Some(id) => session_rows::live_by_id(&mut on, user, id, now).await?,
        None => None,
    };
    Ok(Standing {
        alive: session.is_none() || found.is_some(),
        floor: floor.epoch,
        disabled: floor.disabled,
        first_factor_at: found.as_ref().map(|session| session.first_factor_at),
        second_factor_at: found.and_then(|session| session.second_factor_at),
    })
}
