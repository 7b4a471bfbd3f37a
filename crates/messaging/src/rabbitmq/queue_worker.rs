//! One consumer's work on its queue.
//!
//! Messages of one aggregate are taken one after the other, a failing one before those behind it; aggregates side by side. So a
//! message in trouble holds up nothing but its aggregate. A message is acknowledged when its effect is committed, or when it is
//! kept with the dead letters; until then it is the broker's, and comes again if this process goes.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use lapin::Acker;
use lapin::message::Delivery;
use lapin::options::BasicAckOptions;
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

use super::connection::Failure;
use super::keeper::{DATABASE_PAUSE, Keeper};
use super::message::Arrived;
use super::supervisor::stopped;
use crate::consumer::{ConsumeError, Consumer, LIMIT, deliver, exhausted};

/// Messages the broker hands out before it waits for acknowledgements.
pub(super) const PREFETCH: u16 = 100;

/// Messages in a consumer's hands at once: it needs a database connection for each.
const AT_ONCE: usize = 8;

/// How long the connection may take to send an acknowledgement.
const ACKNOWLEDGE_TIME: Duration = Duration::from_secs(5);

/// The pause after the first failed delivery of a message; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// A consumer and what it needs.
pub(super) struct QueueWorker {
    consumer: Arc<dyn Consumer>,
    keeper: Arc<Keeper>,
    slots: Semaphore,
}

/// A message that is this process's for now.
struct Held {
    message: Arrived,
    acker: Acker,
}

/// The end of one message here.
struct Settled {
    lane: Option<Uuid>,
    acker: Acker,
    /// Not to come again.
    done: bool,
}

impl QueueWorker {
    pub(super) fn new(consumer: Arc<dyn Consumer>, keeper: Arc<Keeper>) -> Self {
        Self { consumer, keeper, slots: Semaphore::new(AT_ONCE) }
    }

    /// Works until `stop` is true or the queue fails. Then what is in the consumer's hands is finished, and the rest left to the
    /// broker.
    pub(super) async fn run(
        &self,
        mut deliveries: lapin::Consumer,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), Failure> {
        let (end, ending) = watch::channel(false);
        let mut lanes = Lanes::default();
        let mut running = FuturesUnordered::new();
        let ended = loop {
            let next = tokio::select! {
                () = stopped(&mut stop) => break Ok(()),
                Some(settled) = running.next() => match Settled::acknowledge(&settled).await {
                    Ok(()) => lanes.follows(settled.lane),
                    Err(failure) => break Err(failure),
                },
                delivery = deliveries.next() => match delivery {
                    Some(Ok(delivery)) => lanes.admit(Held::of(delivery)),
                    Some(Err(error)) => break Err(error.into()),
                    None => break Err(gone(&deliveries)),
                },
            };
            if let Some(held) = next {
                running.push(self.settle(held, ending.clone()));
            }
        };
        end.send_replace(true);
        let mut reachable = ended.is_ok();
        while let Some(settled) = running.next().await {
            // On a lost connection this fails, the message comes again, and the inbox drops it.
            reachable = reachable && settled.acknowledge().await.is_ok();
        }
        ended
    }

    /// Moves what the broker gave up from its queue to the database, until `stop` is true; then has the consumer try once more,
    /// for the broker counts deliveries that ended with a connection and may have given up a message that nobody ever looked at.
    pub(super) async fn drain(
        &self,
        mut deliveries: lapin::Consumer,
        mut stop: watch::Receiver<bool>,
    ) -> Result<(), Failure> {
        let consumer = self.consumer.subscription().consumer;
        loop {
            let delivery = tokio::select! {
                () = stopped(&mut stop) => return Ok(()),
                delivery = deliveries.next() => delivery.ok_or_else(|| gone(&deliveries))??,
            };
            let Held { message, acker } = Held::of(delivery);
            let envelope = message.envelope().unwrap_or_else(|_| self.keeper.salvaged(&message));
            let reason = format!("RabbitMQ gave it up: {}", message.death());
            while !self.keeper.keep(&envelope, consumer, &reason).await {
                tokio::select! {
                    () = stopped(&mut stop) => return Ok(()),
                    () = sleep(DATABASE_PAUSE) => {}
                }
            }
            // Before the consumer sees it: a message that kills its process is in no queue any more.
            acknowledge(&acker).await?;
            if self.deliver(&message).await.is_ok() {
                self.keeper.drop_letter(&envelope, consumer).await;
            }
        }
    }

    /// Hands a message to the consumer until it is taken or given up. At the end it is left at that, but never in the middle of
    /// a delivery.
    async fn settle(&self, held: Held, mut ending: watch::Receiver<bool>) -> Settled {
        let mut failures: u32 = 0;
        let done = loop {
            let slot = tokio::select! {
                biased;
                () = stopped(&mut ending) => break false,
                slot = self.slots.acquire() => slot,
            };
            let Some(pause) = self.attempt(&held.message, &mut failures).await else {
                break true;
            };
            drop(slot);
            tokio::select! {
                () = stopped(&mut ending) => break false,
                () = sleep(pause) => {}
            }
        };
        Settled { lane: held.message.aggregate(), acker: held.acker, done }
    }

    /// One delivery. Answers when to try again, or nothing if the message is taken or kept with the dead letters.
    async fn attempt(&self, message: &Arrived, failures: &mut u32) -> Option<Duration> {
        let reason = match self.deliver(message).await {
            Ok(()) => return None,
            Err(ConsumeError::Poison(reason)) => reason,
            Err(ConsumeError::Retry(error)) => {
                *failures += 1;
                if *failures < LIMIT {
                    return Some(FIRST_PAUSE * 2_u32.saturating_pow(*failures - 1));
                }
                exhausted(*failures, &error)
            }
        };
        let envelope = message.envelope().unwrap_or_else(|_| self.keeper.salvaged(message));
        if self.keeper.keep(&envelope, self.consumer.subscription().consumer, &reason).await {
            return None;
        }
        // It is the database that is in trouble, not this message: all of its tries are still to come.
        *failures = 0;
        Some(DATABASE_PAUSE)
    }

    async fn deliver(&self, message: &Arrived) -> Result<(), ConsumeError> {
        let envelope = message
            .envelope()
            .map_err(|header| ConsumeError::Poison(format!("the header {header} is missing or cannot be read")))?;
        if !self.consumer.subscription().wants(&envelope.event_type) {
            return Err(ConsumeError::Poison("the consumer does not know this type".to_owned()));
        }
        deliver(self.consumer.as_ref(), &envelope).await
    }
}

impl Held {
    fn of(mut delivery: Delivery) -> Self {
        Self { message: Arrived::of(&mut delivery), acker: delivery.acker }
    }
}

impl Settled {
    async fn acknowledge(&self) -> Result<(), Failure> {
        if self.done { acknowledge(&self.acker).await } else { Ok(()) }
    }
}

fn gone(deliveries: &lapin::Consumer) -> Failure {
    Failure::QueueGone(deliveries.queue().to_string())
}

/// The library may wait for ever on a connection that has ended meanwhile.
async fn acknowledge(acker: &Acker) -> Result<(), Failure> {
    let sent = timeout(ACKNOWLEDGE_TIME, acker.ack(BasicAckOptions::default())).await;
    sent.map_err(|_| Failure::TimeOut("acknowledging"))??;
    Ok(())
}

/// The messages that wait behind another of their aggregate. An aggregate is in here as long as one of its messages is being
/// settled.
#[derive(Default)]
struct Lanes(HashMap<Uuid, VecDeque<Held>>);

impl Lanes {
    /// Takes a message in: it comes back if nothing is before it.
    fn admit(&mut self, held: Held) -> Option<Held> {
        let Some(aggregate) = held.message.aggregate() else {
            return Some(held);
        };
        match self.0.entry(aggregate) {
            Entry::Occupied(mut waiting) => {
                waiting.get_mut().push_back(held);
                None
            }
            Entry::Vacant(lane) => {
                lane.insert(VecDeque::new());
                Some(held)
            }
        }
    }

    /// What comes after a settled message.
    fn follows(&mut self, lane: Option<Uuid>) -> Option<Held> {
        let aggregate = lane?;
        let next = self.0.get_mut(&aggregate)?.pop_front();
        if next.is_none() {
            self.0.remove(&aggregate);
        }
        next
    }
}
