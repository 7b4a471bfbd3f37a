//! Verifications as the siblings name them: by an id that is theirs alone, and the row of theirs that it is for.

use tessera_common::clock::Timestamp;
use tessera_contracts::sibling::Sibling;
use tessera_storage::{Session, affected, run};
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

/// A request to send a message again, and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Tried {
    pub op: Uuid,
    /// The row of the verification.
    pub verification: Uuid,
    /// Until when the recipient gets nothing, if that is why nothing was sent.
    pub limited_until: Option<Timestamp>,
}

/// Notes a request; `false` when one of its `op` was noted before.
pub async fn note(session: &mut impl Session, tried: Tried) -> sqlx::Result<bool> {
    let noted = affected!(
        session,
        sqlx::query("insert into resends (op, verification, limited_until) values ($1, $2, $3) on conflict do nothing")
            .bind(tried.op)
            .bind(tried.verification)
            .bind(tried.limited_until)
    )?;
    Ok(noted == 1)
}

/// What became of a request for that verification: its deadline, and until when the recipient gets nothing.
pub async fn tried(
    session: &mut impl Session,
    op: Uuid,
    own: Own<'_>,
) -> sqlx::Result<Option<(Timestamp, Option<Timestamp>)>> {
    run!(session, |e| sqlx::query_as(
        "select v.deadline, r.limited_until from resends r join verifications v on v.row_id = r.verification \
         where r.op = $1 and v.tenant = 'platform' and v.lookup_id = $2 and v.holder = $3 and v.sibling = $4"
    )
    .bind(op)
    .bind(own.id.to_owned())
    .bind(own.holder.to_owned())
    .bind(own.sibling.name())
    .fetch_optional(e))
}
