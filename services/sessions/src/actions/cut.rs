//! Raises a user's floor and ends everything born below it. Once this has answered, none of that is accepted again, in whatever
//! order cuts, sign-ins and repeats arrive.

use tessera_contracts::call::Failure;
use tessera_contracts::sessions::{Cut, CutDone};

use crate::domain::session::Status;
use crate::sessions::Sessions;
use crate::store::{floor_rows, session_changes, session_rows, sign_in_rows};

/// Makes the cut.
///
/// # Errors
/// [`Failure`] when it could not be committed; it is then repeated.
#[tracing::instrument(name = "sessions.cut", skip_all)]
pub async fn cut(sessions: &Sessions, cut: Cut) -> Result<CutDone, Failure> {
    let now = sessions.clock.now();
    let mut tx = sessions.db.begin().await?;
    let floor = floor_rows::raise(&mut tx, cut).await?;
    if let Some(keep) = cut.keep {
        // Up to this cut's epoch only: a later cut that did not keep it ends it below.
        session_changes::lift(&mut tx, cut.user, keep, cut.epoch).await?;
    }
    sign_in_rows::abandon_below(&mut tx, cut.user, floor.epoch).await?;
    let doomed = if floor.disabled { i64::MAX } else { floor.epoch };
    let mut ended = 0;
    for session in session_rows::below(&mut tx, cut.user, doomed).await? {
        if super::end::end_in(sessions, &mut tx, session, Status::Revoked, "cut", now).await?.is_some() {
            ended += 1;
        }
    }
    tx.commit().await?;
    sessions.committed();
    Ok(CutDone { floor: floor.epoch, ended })
}
