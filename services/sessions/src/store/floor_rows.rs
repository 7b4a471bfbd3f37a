//! Floors: what was born below one is dead.

use tessera_contracts::ids::UserId;
use tessera_contracts::sessions::Cut;
use tessera_storage::{Session, run};

/// A user's floor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Floor {
    /// The least epoch that lives.
    pub epoch: i64,
    /// Nothing lives at all.
    pub disabled: bool,
}

impl Floor {
    /// The floor of somebody who was never cut.
    pub const NONE: Self = Self { epoch: 0, disabled: false };

    /// Whether something born under `epoch` lives.
    #[must_use]
    pub const fn admits(self, epoch: i64) -> bool {
        epoch >= self.epoch && !self.disabled
    }
}

/// The user's floor, held until the transaction ends: nobody can raise it while something is born.
pub async fn hold(session: &mut impl Session, user: UserId) -> sqlx::Result<Floor> {
    run!(session, |e| sqlx::query_as(
        "insert into user_floors as f (user_id, epoch, disabled) values ($1, 0, $2) \
         on conflict (user_id) do update set epoch = f.epoch returning epoch, disabled"
    )
    .bind(user.uuid())
    .bind(false)
    .fetch_one(e))
}

/// The user's floor as it is.
pub async fn read(session: &mut impl Session, user: UserId) -> sqlx::Result<Floor> {
    let floor: Option<Floor> =
        run!(session, |e| sqlx::query_as("select epoch, disabled from user_floors where user_id = $1")
            .bind(user.uuid())
            .fetch_optional(e))?;
    Ok(floor.unwrap_or(Floor::NONE))
}

/// Raises the floor. An older cut than one before it changes nothing.
pub async fn raise(session: &mut impl Session, cut: Cut) -> sqlx::Result<Floor> {
    run!(session, |e| sqlx::query_as(
        "insert into user_floors as f (user_id, epoch, disabled) values ($1, $2, $3) \
         on conflict (user_id) do update set \
           disabled = case when excluded.epoch >= f.epoch then excluded.disabled else f.disabled end, \
           epoch = case when excluded.epoch > f.epoch then excluded.epoch else f.epoch end \
         returning epoch, disabled"
    )
    .bind(cut.user.uuid())
    .bind(cut.epoch)
    .bind(cut.disabled)
    .fetch_one(e))
}
