//! Verifications whose codes are sent again, and the sealed codes that this takes.

use tessera_common::clock::Timestamp;
use tessera_storage::{Session, affected, run};

use super::verification_rows::{Opened, Row, answerable, columns};
use crate::domain::verification::Verification;

/// What a verification becomes when its code is sent again.
#[derive(Debug)]
pub struct Prolonged {
    /// Who is to prove it, spelt as it was given now.
    pub consumer: String,
    pub deadline: Timestamp,
    /// `None` leaves what it was.
    pub payload: Option<String>,
}

/// Moves the deadline of a verification that still takes answers. Its code, generation and attempts stay.
pub async fn prolong(
    session: &mut impl Session,
    of: Opened,
    to: Prolonged,
    now: Timestamp,
) -> sqlx::Result<Option<Verification>> {
    let row: Option<Row> = run!(session, |e| {
        sqlx::query_as(concat!(
            "update verifications set consumer = $3, deadline = $4, payload = coalesce($6, payload) \
         where row_id = $1 and generation = $2 and state = 'live' and ",
            answerable!(),
            " returning ",
            columns!()
        ))
        .bind(of.row_id)
        .bind(of.generation)
        .bind(to.consumer.clone())
        .bind(to.deadline)
        .bind(now)
        .bind(to.payload.clone())
        .fetch_optional(e)
    })?;
    Ok(row.map(Verification::from))
}

/// Erases some codes of verifications whose time is over; answers how many.
pub async fn erase_ended(session: &mut impl Session, now: Timestamp, limit: i64) -> sqlx::Result<u64> {
    affected!(
        session,
        sqlx::query(
            "update verifications set sealed_code = null where row_id in \
             (select row_id from verifications where sealed_code is not null and deadline <= $1 order by deadline limit $2) \
             and deadline <= $1"
        )
        .bind(now)
        .bind(limit)
    )
}
