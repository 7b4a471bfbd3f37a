//! Verifications as the siblings name them: by an id that is theirs alone, and the row of theirs that it is for.

use tessera_common::clock::Timestamp;
use tessera_contracts::sibling::Sibling;
use tessera_storage::{Session, run};
use uuid::Uuid;

/// A sibling's own verification. Whose it is, and for which row, never changes.
#[derive(Clone, Copy, Debug)]
pub struct Own<'a> {
    pub sibling: Sibling,
    pub id: &'a str,
    /// The sibling's row that the proof is for.
    pub holder: &'a str,
}

/// What of a sibling's verification never changes but with its end.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Begun {
    pub method: String,
    pub deadline: Timestamp,
}

/// A sibling's verification, whatever became of it; `None` also for one of another sibling or for another row.
pub async fn find(session: &mut impl Session, own: Own<'_>) -> sqlx::Result<Option<Begun>> {
    run!(session, |e| sqlx::query_as(
        "select method, deadline from verifications \
         where tenant = 'platform' and lookup_id = $1 and holder = $2 and sibling = $3"
    )
    .bind(own.id.to_owned())
    .bind(own.holder.to_owned())
    .bind(own.sibling.name())
    .fetch_optional(e))
}

/// Ends a sibling's live verification, whichever of its rows it is for; answers its row.
pub async fn cancel(session: &mut impl Session, sibling: Sibling, id: &str) -> sqlx::Result<Option<Uuid>> {
    run!(session, |e| sqlx::query_scalar(
        "update verifications set state = 'deleted', sealed_code = null \
         where tenant = 'platform' and lookup_id = $1 and sibling = $2 and state = 'live' returning row_id"
    )
    .bind(id.to_owned())
    .bind(sibling.name())
    .fetch_optional(e))
}

/// Ends all live verifications that are for a sibling's row; answers their rows.
pub async fn cancel_for(session: &mut impl Session, sibling: Sibling, holder: &str) -> sqlx::Result<Vec<Uuid>> {
    run!(session, |e| sqlx::query_scalar(
        "update verifications set state = 'deleted', sealed_code = null \
         where tenant = 'platform' and holder = $1 and sibling = $2 and state = 'live' returning row_id"
    )
    .bind(holder.to_owned())
    .bind(sibling.name())
    .fetch_all(e))
}
