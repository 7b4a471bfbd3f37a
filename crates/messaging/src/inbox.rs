//! Remembers what a consumer has applied, so that a repetition has no effect.

use chrono::TimeDelta;
use tessera_common::clock::Timestamp;
use tessera_storage::{Db, Tx, affected};
use uuid::Uuid;

use crate::outbox::BATCH;

/// How long an id is remembered: twice as long as a published event can be sent again.
pub const KEPT: TimeDelta = TimeDelta::days(14);

/// Notes in the transaction of the effect that `consumer` applies this envelope. `false`: it has done so before.
///
/// # Errors
/// When the database fails.
pub async fn first_time(tx: &mut Tx, consumer: &str, envelope_id: Uuid, now: Timestamp) -> sqlx::Result<bool> {
    let inserted = affected!(
        tx,
        sqlx::query("insert into inbox (consumer, envelope_id, seen_at) values ($1, $2, $3) on conflict do nothing")
            .bind(consumer.to_owned())
            .bind(envelope_id)
            .bind(now)
    )?;
    Ok(inserted == 1)
}

/// Forgets one small batch of ids older than [`KEPT`]; answers how many.
///
/// # Errors
/// When the database fails.
pub async fn purge(db: &Db, now: Timestamp) -> sqlx::Result<u64> {
    affected!(
        &mut db.write().await?,
        sqlx::query(
            "delete from inbox where (consumer, envelope_id) in \
             (select consumer, envelope_id from inbox where seen_at < $1 order by seen_at limit $2)"
        )
        .bind(now - KEPT)
        .bind(BATCH)
    )
}
