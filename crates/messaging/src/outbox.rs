//! Events, written in the transaction of the change they tell of.

use chrono::TimeDelta;
use tessera_common::clock::Timestamp;
use tessera_common::ids;
use tessera_common::random::Random;
use tessera_common::telemetry;
use tessera_storage::{Db, Tx, affected, run};
use uuid::Uuid;

use crate::backlog::Waiting;
use crate::bus::Confirmed;
use crate::dead_letters;
use crate::envelope::{Envelope, Event};

/// How long published rows stay, for replays.
pub const KEPT: TimeDelta = TimeDelta::days(7);

/// Rows of one step, small enough to hold no lock for long.
pub(crate) const BATCH: i64 = 200;

/// Writes the events of one service.
#[derive(Clone, Copy, Debug)]
pub struct Outbox {
    source: &'static str,
}

impl Outbox {
    /// The outbox of the service called `source`.
    #[must_use]
    pub const fn new(source: &'static str) -> Self {
        Self { source }
    }

    /// Writes `event` in the caller's transaction, as part of the present trace. After the commit, wake the relay.
    ///
    /// # Errors
    /// When the database fails. A second event of the same aggregate and version is a unique violation: one change, one
    /// version, one event.
    pub async fn emit<E: Event>(&self, tx: &mut Tx, now: Timestamp, random: &Random, event: &E) -> sqlx::Result<()> {
        let trace = telemetry::traceparent();
        affected!(
            tx,
            sqlx::query(
                "insert into outbox (id, source, event_type, aggregate, version, happened_at, trace, body) \
                 values ($1, $2, $3, $4, $5, $6, $7, $8)"
            )
            .bind(ids::new_v7(now, random))
            .bind(self.source)
            .bind(E::TYPE)
            .bind(event.aggregate())
            .bind(event.version())
            .bind(now)
            .bind(trace.clone())
            .bind(event.encode_to_vec())
        )?;
        Ok(())
    }
}

/// The unpublished events. The age of the oldest is the one number that shows most failures.
///
/// # Errors
/// When the database fails.
pub async fn unpublished(db: &Db) -> sqlx::Result<Waiting> {
    run!(&mut db.read().await?, |e| sqlx::query_as(
        "select count(*) as number, min(happened_at) as since from outbox where published_at is null"
    )
    .fetch_one(e))
}

/// Deletes one small batch of rows published longer than [`KEPT`] ago; answers how many.
///
/// # Errors
/// When the database fails.
pub async fn purge(db: &Db, now: Timestamp) -> sqlx::Result<u64> {
    affected!(
        &mut db.write().await?,
        sqlx::query(
            "delete from outbox where id in \
             (select id from outbox where published_at < $1 order by published_at limit $2)"
        )
        .bind(now - KEPT)
        .bind(BATCH)
    )
}

/// A place in the order of sending.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) aggregate: Uuid,
    pub(crate) version: i64,
}

impl Place {
    /// Before every row.
    pub(crate) const START: Self = Self { aggregate: Uuid::nil(), version: i64::MIN };
}

/// The next unpublished rows after `place`, at most [`BATCH`].
pub(crate) async fn next_unpublished(db: &Db, place: Place) -> sqlx::Result<Vec<Envelope>> {
    run!(&mut db.read().await?, |e| {
        sqlx::query_as(
            "select id, source, event_type, aggregate, version, happened_at, trace, body from outbox \
         where published_at is null and (aggregate, version) > ($1, $2) order by aggregate, version limit $3",
        )
        .bind(place.aggregate)
        .bind(place.version)
        .bind(BATCH)
        .fetch_all(e)
    })
}

/// Marks confirmed rows as published and keeps their dead letters, all in one transaction.
pub(crate) async fn mark(db: &Db, sent: &[(&Envelope, Confirmed)], now: Timestamp) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    for (envelope, confirmed) in sent {
        affected!(
            &mut tx,
            sqlx::query("update outbox set published_at = $1 where id = $2 and published_at is null")
                .bind(now)
                .bind(envelope.id)
        )?;
        for letter in &confirmed.dead_letters {
            dead_letters::keep(&mut tx, envelope, letter, now).await?;
        }
    }
    tx.commit().await
}
