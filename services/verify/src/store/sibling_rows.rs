//! Verifications as the siblings name them: by an id that is theirs alone, and the row of theirs that it is for.

use tessera_common::clock::Timestamp;
use tessera_contracts::sibling::Sibling;
use tessera_contracts::verify::Cancel;
use tessera_storage::{Session, affected, run};
use uuid::Uuid;

use super::verification_rows::{Row, answerable, columns, counted};
use crate::domain::method::Method;
use crate::domain::verification::{Key, PLATFORM, Verification};

/// A sibling's own verification. Whose it is, and for which row, never changes.
#[derive(Clone, Copy, Debug)]
pub struct Own<'a> {
    pub sibling: Sibling,
    pub id: &'a str,
    /// The sibling's row that the proof is for.
    pub holder: &'a str,
}

impl<'a> Own<'a> {
    /// Its key, by the method that it turns out to be of.
    pub const fn key(self, method: Method) -> Key<'a> {
        Key { tenant: PLATFORM, method, id: self.id, holder: self.holder }
    }
}

/// What of a sibling's verification never changes but with its end.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Begun {
    #[sqlx(try_from = "String")]
    pub method: Method,
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

/// Counts one answer as wrong, ahead of its comparison, and answers the verification it is for; `None` if it takes no answers. It takes
/// them also after it was proved, so that a proof whose effect was lost can be presented again.
pub async fn count_attempt(
    session: &mut impl Session,
    own: Own<'_>,
    now: Timestamp,
) -> sqlx::Result<Option<Verification>> {
    let row: Option<Row> = run!(session, |e| {
        sqlx::query_as(concat!(
        "update verifications set ",
        counted!("$4"),
        " where tenant = 'platform' and lookup_id = $1 and holder = $2 and sibling = $3 and state in ('live', 'proved') and ",
        answerable!("$4"),
        " returning ",
        columns!()
    ))
    .bind(own.id.to_owned())
    .bind(own.holder.to_owned())
    .bind(own.sibling.name())
    .bind(now)
    .fetch_optional(e)
    })?;
    Ok(row.map(Verification::from))
}

macro_rules! cancel {
    ($which:literal) => {
        concat!(
            "update verifications set state = 'deleted', sealed_code = null where tenant = 'platform' and ",
            $which,
            " = $1 and sibling = $2 and state = 'live' returning row_id"
        )
    };
}

/// Ends a sibling's live verifications that are meant; answers their rows.
pub async fn cancel(session: &mut impl Session, sibling: Sibling, meant: &Cancel) -> sqlx::Result<Vec<Uuid>> {
    let (text, value) = match meant {
        Cancel::Id(id) => (cancel!("lookup_id"), id.to_string()),
        Cancel::Holder(holder) => (cancel!("holder"), holder.clone()),
    };
    run!(session, |e| sqlx::query_scalar(text).bind(value.clone()).bind(sibling.name()).fetch_all(e))
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
