//! The loop that sends what the outbox holds.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::TimeDelta;
use futures::{StreamExt, stream};
use tessera_common::clock::{Clock, Timestamp};
use tessera_common::telemetry;
use tessera_storage::{Db, WakeUp};
use tokio::sync::watch;
use tracing::Instrument as _;

use crate::bus::{Bus, Confirmed, PublishError};
use crate::envelope::Envelope;
use crate::guard::Guard;
use crate::inbox;
use crate::outbox::{self, Place};
use crate::pauses::{self, Pauses, Step};

/// A wake-up can be lost; so the relay looks by itself this often.
const POLL: Duration = Duration::from_secs(1);

/// How often old rows are deleted.
const HOUSEKEEPING: TimeDelta = TimeDelta::minutes(10);

/// Sends the unpublished events of one service, in order per aggregate, and marks them after the confirm.
#[derive(Debug)]
pub struct Relay {
    db: Db,
    clock: Clock,
    bus: Bus,
    wake: WakeUp,
    guard: tokio::sync::Mutex<Guard>,
    pauses: Mutex<Pauses>,
}

impl Relay {
    /// The relay of the service whose outbox is in `db`.
    #[must_use]
    pub fn new(db: Db, clock: Clock, bus: Bus) -> Self {
        Self { db, clock, bus, wake: WakeUp::default(), guard: Default::default(), pauses: Mutex::default() }
    }

    /// The same relay, woken by `wake` instead of in this process only.
    #[must_use]
    pub fn woken_by(self, wake: WakeUp) -> Self {
        Self { wake, ..self }
    }

    /// Notify it after a commit that wrote to the outbox, so that the event does not wait for the next look.
    #[must_use]
    pub fn wake(&self) -> WakeUp {
        self.wake.clone()
    }

    /// Runs until `stop` is true or its sender is gone, then sends once more what can be sent and lets go of the guard.
    /// Failures are logged and tried again after a pause of at most ten seconds; it never gives up.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let mut failures = 0;
        let mut cleaned = None;
        let mut reachable = self.bus.reachable();
        while !*stop.borrow() {
            match self.pass(&mut cleaned).await {
                Ok(()) => failures = 0,
                Err(error) => {
                    failures += 1;
                    tracing::warn!(%error, failures, "the relay cannot use its database");
                }
            }
            // One that waits its turn has nothing to send, and would ask for the guard at every commit of the service.
            let at_work = failures == 0 && self.guard.lock().await.is_held(&self.db);
            let pause = if failures == 0 { POLL } else { Duration::from_secs(pauses::seconds(failures).into()) };
            tokio::select! {
                () = self.wake.notified(), if at_work => {}
                () = tokio::time::sleep(pause) => {}
                // Its sender lives as long as the bus, which is this relay's too.
                Ok(()) = reachable.changed(), if failures == 0 => {}
                stopped = stop.changed() => if stopped.is_err() { break },
            }
        }
        if let Err(error) = self.drain_once().await {
            tracing::warn!(%error, "events stay unpublished until the next start");
        }
        self.guard.lock().await.release();
    }

    /// Sends every unpublished row that is due, once, and answers how many were confirmed and marked. 0 when another relay of
    /// the service is at work, or the bus cannot be reached. The guard is kept until this relay stops or is dropped.
    ///
    /// # Errors
    /// When the database fails. What was confirmed but not marked is sent again, with the same id.
    pub async fn drain_once(&self) -> sqlx::Result<usize> {
        let mut guard = self.guard.lock().await;
        if !guard.hold(&self.db).await? {
            return Ok(0);
        }
        if !*self.bus.reachable().borrow() {
            // The rows wait; none of them has failed by itself.
            self.pauses().bus_is_away();
            return Ok(0);
        }
        let mut sent = 0;
        let mut place = Place::START;
        loop {
            let rows = outbox::next_unpublished(&self.db, place).await?;
            let Some(last) = rows.last() else {
                return Ok(sent);
            };
            place = Place { aggregate: last.aggregate, version: last.version };
            sent += self.send(&rows).await?;
        }
    }

    async fn pass(&self, cleaned: &mut Option<Timestamp>) -> sqlx::Result<()> {
        self.drain_once().await?;
        let now = self.clock.now();
        if cleaned.is_none_or(|at| now - at >= HOUSEKEEPING) {
            while outbox::purge(&self.db, now).await? > 0 {}
            while inbox::purge(&self.db, now).await? > 0 {}
            *cleaned = Some(now);
        }
        Ok(())
    }

    /// Sends the rows of one page, several aggregates at once; one that fails to be marked does not stop the others.
    async fn send(&self, rows: &[Envelope]) -> sqlx::Result<usize> {
        // Not by `map`: the compiler cannot see that a closure's futures are `Send` for every lifetime.
        let mut aggregates = Vec::new();
        for aggregate in rows.chunk_by(|one, next| one.aggregate == next.aggregate) {
            aggregates.push(self.send_and_mark(aggregate));
        }
        // Nothing else is awaited between the outcomes: a delivery that is not polled could hold the connection that is
        // waited for.
        let outcomes: Vec<_> = stream::iter(aggregates).buffer_unordered(self.bus.at_once()).collect().await;
        outcomes.into_iter().try_fold(0, |sent, outcome| Ok(sent + outcome?))
    }

    async fn send_and_mark(&self, rows: &[Envelope]) -> sqlx::Result<usize> {
        let confirmed = self.send_in_order(rows).await;
        if !confirmed.is_empty() {
            outbox::mark(&self.db, &confirmed, self.clock.now()).await?;
        }
        Ok(confirmed.len())
    }

    /// Sends the rows of one aggregate, each after the confirm of the one before.
    async fn send_in_order<'a>(&self, rows: &'a [Envelope]) -> Vec<(&'a Envelope, Confirmed)> {
        let mut confirmed = Vec::new();
        for row in rows {
            let step = self.pauses().step(row, self.clock.now());
            match step {
                Step::Hold => break,
                Step::Skip => continue,
                Step::Send => {}
            }
            match self.publish(row).await {
                Ok(done) => {
                    self.pauses().confirmed(row);
                    confirmed.push((row, done));
                }
                Err(error) => self.pauses().failed(row, &error, self.clock.now()),
            }
        }
        confirmed
    }

    /// Publishes one row, in the trace that wrote it.
    async fn publish(&self, row: &Envelope) -> Result<Confirmed, PublishError> {
        let span = tracing::info_span!(
            "event.publish",
            otel.name = format!("publish {}", row.event_type),
            otel.kind = "producer",
            event.id = %row.id,
            event.r#type = row.event_type,
        );
        telemetry::follow(&span, row.trace.as_deref());
        self.bus.publish(row).instrument(span).await
    }

    fn pauses(&self) -> MutexGuard<'_, Pauses> {
        self.pauses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
