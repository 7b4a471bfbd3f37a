//! What a consumer could not take, kept with the reason until somebody replays it.

use tessera_common::clock::Timestamp;
use tessera_storage::{Db, Tx, affected, run};
use uuid::Uuid;

use crate::bus::{Bus, DeadLetter};
use crate::consumer::ConsumeError;
use crate::envelope::Envelope;

/// A kept message.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Kept {
    /// The message as it was sent.
    #[sqlx(flatten)]
    pub envelope: Envelope,
    /// Who could not take it.
    pub consumer: String,
    /// Why, in words that carry no secret.
    pub reason: String,
    /// When it was given up.
    pub died_at: Timestamp,
}

/// Why a replay changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// No such letter.
    #[error("there is no dead letter of this id and consumer")]
    Unknown,
    /// The consumer failed again; the letter stays.
    #[error(transparent)]
    Consumer(#[from] ConsumeError),
    /// The database failed; the letter stays.
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Keeps a letter in the relay's transaction. A repetition changes nothing: the first reason stays.
pub(crate) async fn keep(tx: &mut Tx, envelope: &Envelope, letter: &DeadLetter, now: Timestamp) -> sqlx::Result<()> {
    affected!(
        tx,
        sqlx::query(
            "insert into dead_letters \
             (id, consumer, source, event_type, aggregate, version, happened_at, trace, body, reason, died_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) on conflict do nothing"
        )
        .bind(envelope.id)
        .bind(letter.consumer)
        .bind(envelope.source.clone())
        .bind(envelope.event_type.clone())
        .bind(envelope.aggregate)
        .bind(envelope.version)
        .bind(envelope.time)
        .bind(envelope.trace.clone())
        .bind(envelope.body.clone())
        .bind(letter.reason.clone())
        .bind(now)
    )?;
    Ok(())
}

/// The newest letters, at most `limit`.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &Db, limit: i64) -> sqlx::Result<Vec<Kept>> {
    run!(&mut db.read().await?, |e| {
        sqlx::query_as(
            "select id, consumer, source, event_type, aggregate, version, happened_at, trace, body, reason, died_at \
         from dead_letters order by died_at desc, id desc limit $1",
        )
        .bind(limit)
        .fetch_all(e)
    })
}

/// How many are kept.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &Db) -> sqlx::Result<i64> {
    run!(&mut db.read().await?, |e| sqlx::query_scalar("select count(*) from dead_letters").fetch_one(e))
}

/// Delivers a letter to its consumer once more, and drops it when it was taken.
///
/// # Errors
/// When there is no such letter, its consumer fails again, or the database fails.
pub async fn replay(db: &Db, bus: &Bus, envelope_id: Uuid, consumer: &str) -> Result<(), ReplayError> {
    let letter: Option<Envelope> = run!(&mut db.read().await?, |e| sqlx::query_as(
        "select id, source, event_type, aggregate, version, happened_at, trace, body \
         from dead_letters where id = $1 and consumer = $2"
    )
    .bind(envelope_id)
    .bind(consumer.to_owned())
    .fetch_optional(e))?;
    bus.deliver_to(consumer, &letter.ok_or(ReplayError::Unknown)?).await?;
    remove(db, envelope_id, consumer).await?;
    Ok(())
}

/// Drops a letter.
pub(crate) async fn remove(db: &Db, envelope_id: Uuid, consumer: &str) -> sqlx::Result<()> {
    affected!(
        &mut db.write().await?,
        sqlx::query("delete from dead_letters where id = $1 and consumer = $2")
            .bind(envelope_id)
            .bind(consumer.to_owned())
    )?;
    Ok(())
}
