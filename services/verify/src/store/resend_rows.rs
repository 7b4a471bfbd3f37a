//! Verifications whose codes are sent again, and the sealed codes that this takes.

use tessera_common::clock::Timestamp;
use tessera_storage::{Session, affected, run};
use uuid::Uuid;

use super::verification_rows::{Opened, Row, columns, in_time, keyed};
use crate::domain::verification::{Key, Verification};

/// A live verification whose code can be sent again.
#[derive(Debug, sqlx::FromRow)]
pub struct Resendable {
    pub row_id: Uuid,
    pub generation: i64,
    /// Its id as it was given.
    pub id: String,
    pub issued_at: Timestamp,
    pub deadline: Timestamp,
    pub sealed_code: Vec<u8>,
}

/// The verification of that key, if it is alive and its code can be sent again.
pub async fn find_resendable(
    session: &mut impl Session,
    key: Key<'_>,
    now: Timestamp,
) -> sqlx::Result<Option<Resendable>> {
    run!(session, |e| sqlx::query_as(concat!(
        "select row_id, generation, id, issued_at, deadline, sealed_code from verifications where ",
        keyed!(),
        " and state = 'live' and sealed_code is not null and ",
        in_time!()
    ))
    .bind(key.tenant.to_owned())
    .bind(key.method.name())
    .bind(key.lookup_id())
    .bind(key.holder.to_owned())
    .bind(now)
    .fetch_optional(e))
}

/// What a verification becomes when its code is sent again.
#[derive(Debug)]
pub struct Prolonged {
    pub consumer: String,
    pub recipient: String,
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
        "update verifications set consumer = $3, subject = $4, recipient = $4, deadline = $6, payload = coalesce($7, payload) \
         where row_id = $1 and generation = $2 and state = 'live' and ",
        in_time!(),
        " returning ",
        columns!()
    ))
    .bind(of.row_id)
    .bind(of.generation)
    .bind(to.consumer.clone())
    .bind(to.recipient.clone())
    .bind(now)
    .bind(to.deadline)
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
