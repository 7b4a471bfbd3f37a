//! Answers of siblings, each counted once however often its call is repeated.

use tessera_common::clock::Timestamp;
use tessera_storage::{Session, affected, run};
use uuid::Uuid;

use crate::domain::method::Method;

/// An answer as it is kept.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Answer {
    pub consumer: String,
    pub method: String,
    pub digest: Vec<u8>,
    pub is_proved: bool,
    pub answered_at: Timestamp,
}

/// An answer that may be new.
#[derive(Clone, Debug)]
pub struct NewAnswer {
    pub id: Uuid,
    pub consumer: String,
    pub method: Method,
    pub digest: Vec<u8>,
}

/// Keeps an answer; `false` when one of its id is kept already.
pub async fn keep(session: &mut impl Session, new: &NewAnswer, now: Timestamp) -> sqlx::Result<bool> {
    let kept = affected!(
        session,
        sqlx::query(
            "insert into answers (id, consumer, method, digest, answered_at) values ($1, $2, $3, $4, $5) \
             on conflict (id) do nothing"
        )
        .bind(new.id)
        .bind(new.consumer.clone())
        .bind(new.method.name())
        .bind(new.digest.clone())
        .bind(now)
    )?;
    Ok(kept == 1)
}

/// The answer of that id.
pub async fn find(session: &mut impl Session, id: Uuid) -> sqlx::Result<Option<Answer>> {
    run!(session, |e| sqlx::query_as(
        "select consumer, method, digest, proved_at is not null as is_proved, answered_at from answers where id = $1"
    )
    .bind(id)
    .fetch_optional(e))
}

/// Notes that an answer was right; `false` when that was noted before.
pub async fn prove(session: &mut impl Session, id: Uuid, now: Timestamp) -> sqlx::Result<bool> {
    let proved = affected!(
        session,
        sqlx::query("update answers set proved_at = $2 where id = $1 and proved_at is null").bind(id).bind(now)
    )?;
    Ok(proved == 1)
}

/// Deletes some from before `mark`; answers how many.
pub async fn sweep(session: &mut impl Session, mark: Timestamp, limit: i64) -> sqlx::Result<u64> {
    affected!(
        session,
        sqlx::query(
            "delete from answers where id in \
             (select id from answers where answered_at <= $1 order by answered_at limit $2)"
        )
        .bind(mark)
        .bind(limit)
    )
}
