//! Calls to other contexts that must not be lost and should not be late.
//!
//! Queued in the caller's transaction, tried at once, then repeated each second until acknowledged. The callee is idempotent.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use futures::FutureExt;
use futures::future::join_all;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tessera_common::clock::{Clock, Timestamp};
use tessera_common::random::Random;
use tessera_common::telemetry;
use tessera_storage::{Db, Tx, affected, run};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tracing::Instrument as _;
use uuid::Uuid;

use crate::backlog::Waiting;

tessera_common::typed_ids! {
    /// A queued call.
    CallId,
}

/// How long an answer waits for the first attempt.
const PATIENCE: Duration = Duration::from_millis(500);

/// How often an unacknowledged call is repeated.
const REPEAT: Duration = Duration::from_secs(1);

/// How long one attempt may take.
const ATTEMPT: Duration = Duration::from_secs(5);

/// How long a claimed call is left to whoever claimed it: longer than an attempt, so that nobody runs it a second time
/// meanwhile; not much longer, for the claimer may have died.
const CLAIM: TimeDelta = TimeDelta::seconds(7);

/// Attempts at once. A callee that hangs holds this many, for [`ATTEMPT`] at most.
const AT_ONCE: usize = 16;

/// A kind of call. The payload is JSON and lies in the queue until acknowledged: no secret belongs in it.
pub trait DurableCall: Serialize + DeserializeOwned {
    /// Names the kind, with a version: `sessions.cut.v1`.
    const KIND: &'static str;
}

/// Carries calls to their callees.
#[async_trait]
pub trait Dispatch: Send + Sync {
    /// Makes the call; `Ok` is the callee's acknowledgement. May be dropped at any await when it takes too long.
    ///
    /// # Errors
    /// When it was not acknowledged, for whatever reason: the call is repeated.
    async fn dispatch(&self, kind: &str, payload: &str) -> Result<(), DispatchError>;
}

/// Why a call was not acknowledged. The texts are logged: they carry no secret and no personal data.
#[derive(Debug, thiserror::Error)]
pub enum DispatchError {
    /// The callee did not acknowledge.
    #[error("{0}")]
    Failed(String),
    /// Nobody here knows this kind: it was queued by a newer release.
    #[error("no callee is known for this kind of call")]
    UnknownKind,
    /// The payload is not one of this kind.
    #[error("the payload cannot be read")]
    Unreadable,
}

/// Reads the payload of a call of kind `C`.
///
/// # Errors
/// [`DispatchError::Unreadable`] when it is not one.
pub fn read<C: DurableCall>(payload: &str) -> Result<C, DispatchError> {
    serde_json::from_str(payload).map_err(|_| DispatchError::Unreadable)
}

/// Queues `call` in the caller's transaction, as part of the present trace. After the commit, give the id to [`DurableCalls::try_now`].
///
/// # Errors
/// When the database fails, or the call cannot be written as JSON.
pub async fn queue<C: DurableCall>(tx: &mut Tx, call: &C, now: Timestamp, random: &Random) -> sqlx::Result<CallId> {
    let id = CallId::new(now, random);
    let trace = telemetry::traceparent();
    let payload = serde_json::to_string(call).map_err(|error| sqlx::Error::Encode(Box::new(error)))?;
    affected!(
        tx,
        sqlx::query(
            "insert into durable_calls (id, kind, payload, tries, queued_at, next_try_at, trace) \
             values ($1, $2, $3, 0, $4, $5, $6)"
        )
        .bind(id.uuid())
        .bind(C::KIND)
        .bind(payload.clone())
        .bind(now)
        // The first attempt is the caller's own; the loop takes over only when that was lost.
        .bind(now + REPEAT)
        .bind(trace.clone())
    )?;
    Ok(id)
}

/// The unacknowledged calls.
///
/// # Errors
/// When the database fails.
pub async fn unacknowledged(db: &Db) -> sqlx::Result<Waiting> {
    run!(&mut db.read().await?, |e| sqlx::query_as(
        "select count(*) as number, min(queued_at) as since from durable_calls"
    )
    .fetch_one(e))
}

/// Makes the queued calls of one service. Cheap to clone.
#[derive(Clone)]
pub struct DurableCalls {
    db: Db,
    clock: Clock,
    dispatcher: Arc<dyn Dispatch>,
    slots: Arc<Semaphore>,
    patience: Duration,
}

impl std::fmt::Debug for DurableCalls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DurableCalls").finish_non_exhaustive()
    }
}

/// A call as the queue shows it: `tries` tells whether somebody claimed it meanwhile.
#[derive(Clone, Copy, sqlx::FromRow)]
struct Due {
    id: Uuid,
    tries: i64,
}

#[derive(sqlx::FromRow)]
struct Claimed {
    kind: String,
    payload: String,
    trace: Option<String>,
}

impl DurableCalls {
    /// The calls queued in `db`, made by `dispatcher`.
    #[must_use]
    pub fn new(db: Db, clock: Clock, dispatcher: Arc<dyn Dispatch>) -> Self {
        Self { db, clock, dispatcher, slots: Arc::new(Semaphore::new(AT_ONCE)), patience: PATIENCE }
    }

    /// With another patience of [`DurableCalls::try_now`] than 500 ms.
    #[must_use]
    pub const fn patient_for(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Makes the first attempt and waits for it at most 500 ms; it goes on afterwards, and so do the repetitions. Answers
    /// whether the call is known to be acknowledged.
    pub async fn try_now(&self, id: CallId) -> bool {
        let calls = self.clone();
        let attempt = async move { calls.attempt(Due { id: id.uuid(), tries: 0 }).await };
        // What the callee logs belongs to the request that queued the call.
        let attempt = tokio::spawn(attempt.in_current_span());
        matches!(tokio::time::timeout(self.patience, attempt).await, Ok(Ok(Some(true))))
    }

    /// Makes each call that is due once, and answers how many were acknowledged.
    ///
    /// # Errors
    /// When the queue cannot be read.
    pub async fn try_due(&self) -> sqlx::Result<usize> {
        let due = self.due(i64::MAX).await?;
        let outcomes = join_all(due.into_iter().map(|due| async move {
            let _slot = self.slots.acquire().await;
            self.attempt(due).await
        }));
        Ok(outcomes.await.into_iter().filter(|outcome| *outcome == Some(true)).count())
    }

    /// Repeats whatever is due, each second, until `stop` is true or its sender is gone; then waits for the attempts that are
    /// under way. A call that fails or hangs does not delay the next look.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let mut attempts = JoinSet::new();
        while !*stop.borrow() {
            if let Err(error) = self.start_due(&mut attempts).await {
                tracing::warn!(%error, "the queue of durable calls cannot be read");
            }
            while attempts.try_join_next().is_some() {}
            tokio::select! {
                () = tokio::time::sleep(REPEAT) => {}
                // Freed slots are used at once when more was due than could be started.
                Some(Ok(Some(_))) = attempts.join_next(), if self.slots.available_permits() == 0 => {}
                stopped = stop.changed() => if stopped.is_err() { break },
            }
        }
        while attempts.join_next().await.is_some() {}
    }

    /// Starts as many due calls as there are free slots.
    async fn start_due(&self, attempts: &mut JoinSet<Option<bool>>) -> sqlx::Result<()> {
        let free = i64::try_from(self.slots.available_permits()).unwrap_or(i64::MAX);
        for due in self.due(free).await? {
            let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
                break;
            };
            let calls = self.clone();
            attempts.spawn(async move {
                let outcome = calls.attempt(due).await;
                drop(slot);
                outcome
            });
        }
        Ok(())
    }

    /// Calls that are due. One that failed often comes after the others: a callee that hangs must not take all slots.
    async fn due(&self, limit: i64) -> sqlx::Result<Vec<Due>> {
        run!(&mut self.db.read().await?, |e| {
            sqlx::query_as(
                "select id, tries from durable_calls where next_try_at <= $1 order by tries, next_try_at, id limit $2",
            )
            .bind(self.clock.now())
            .bind(limit)
            .fetch_all(e)
        })
    }

    /// Claims one call, makes it and settles it; answers whether it was acknowledged, or nothing if it was not this one's to make.
    async fn attempt(&self, due: Due) -> Option<bool> {
        let claimed = match self.claim(due).await {
            Ok(Some(claimed)) => claimed,
            Ok(None) => return None,
            Err(error) => {
                tracing::warn!(call.id = %due.id, %error, "a durable call cannot be claimed");
                return None;
            }
        };
        let span = tracing::info_span!(
            "durable_call",
            otel.name = format!("call {}", claimed.kind),
            call.id = %due.id,
            call.kind = claimed.kind,
            call.tries = due.tries + 1,
        );
        telemetry::follow(&span, claimed.trace.as_deref());
        let outcome = self.make(&claimed).instrument(span).await;
        if let Err(error) = &outcome {
            tracing::warn!(call.id = %due.id, call.kind = claimed.kind, call.tries = due.tries + 1, %error, "a durable call failed");
        }
        // A lost settlement does no harm: the claim runs out and the call is repeated.
        if let Err(error) = self.settle(due, outcome.is_ok()).await {
            tracing::warn!(call.id = %due.id, %error, "the outcome of a durable call cannot be stored");
        }
        Some(outcome.is_ok())
    }

    /// Takes a call for this attempt, unless somebody else has taken it since `due` was read.
    async fn claim(&self, due: Due) -> sqlx::Result<Option<Claimed>> {
        let claimed: Vec<Claimed> = run!(&mut self.db.write().await?, |e| {
            sqlx::query_as(
                "update durable_calls set next_try_at = $1, tries = tries + 1 where id = $2 and tries = $3 \
             returning kind, payload, trace",
            )
            .bind(self.clock.now() + CLAIM)
            .bind(due.id)
            .bind(due.tries)
            .fetch_all(e)
        })?;
        Ok(claimed.into_iter().next())
    }

    async fn make(&self, call: &Claimed) -> Result<(), DispatchError> {
        let dispatch = async { self.dispatcher.dispatch(&call.kind, &call.payload).await };
        match tokio::time::timeout(ATTEMPT, AssertUnwindSafe(dispatch).catch_unwind()).await {
            Ok(Ok(outcome)) => outcome,
            // The panic's own message may show values.
            Ok(Err(_)) => Err(DispatchError::Failed("the dispatcher panicked".to_owned())),
            Err(_) => Err(DispatchError::Failed("no answer in time".to_owned())),
        }
    }

    async fn settle(&self, due: Due, acknowledged: bool) -> sqlx::Result<()> {
        let conn = &mut self.db.write().await?;
        if acknowledged {
            affected!(conn, sqlx::query("delete from durable_calls where id = $1").bind(due.id))?;
        } else {
            let next = self.clock.now() + TimeDelta::from_std(REPEAT).unwrap_or_default();
            affected!(
                conn,
                sqlx::query("update durable_calls set next_try_at = $1 where id = $2 and tries = $3")
                    .bind(next)
                    .bind(due.id)
                    .bind(due.tries + 1)
            )?;
        }
        Ok(())
    }
}
