//! Takes events from relays to consumers.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use futures::future::join_all;

use crate::deliveries::Deliveries;
use crate::envelope::{DecodeError, Envelope};

/// How long one delivery may take: above the time-outs of a consumer's own statements.
const DELIVERY_TIME: Duration = Duration::from_secs(5);

/// The longest reason that is kept.
const REASON_LENGTH: usize = 300;

/// Where relays publish and consumers listen. Cheap to clone; all clones are one bus.
#[derive(Clone, Debug)]
pub enum Bus {
    /// Calls the consumers in this process.
    InProcess(InProcess),
}

/// Reacts to events of other contexts.
#[async_trait]
pub trait Consumer: Send + Sync {
    /// Its name, unique on the bus: the name of its queue, its inbox rows and its dead letters.
    fn name(&self) -> &'static str;

    /// The [`Event::TYPE`](crate::Event::TYPE)s it wants.
    fn event_types(&self) -> &'static [&'static str];

    /// Applies one message. It may come again and out of order: note it in the [`inbox`](crate::inbox) with the effect, and
    /// apply only newer versions. May be dropped at any await when it takes too long.
    ///
    /// # Errors
    /// [`ConsumeError::Retry`] to have it again, at most five times; [`ConsumeError::Poison`] never to have it again.
    async fn consume(&self, envelope: &Envelope) -> Result<(), ConsumeError>;
}

/// Why a consumer did not take a message. The texts are kept: they carry no secret and no personal data.
#[derive(Debug, thiserror::Error)]
pub enum ConsumeError {
    /// It may succeed later.
    #[error("{0}")]
    Retry(Box<dyn std::error::Error + Send + Sync>),
    /// It can never succeed.
    #[error("{0}")]
    Poison(String),
}

impl From<sqlx::Error> for ConsumeError {
    fn from(error: sqlx::Error) -> Self {
        Self::Retry(Box::new(error))
    }
}

impl From<DecodeError> for ConsumeError {
    fn from(error: DecodeError) -> Self {
        Self::Poison(error.to_string())
    }
}

/// Every consumer has settled a message.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Confirmed {
    /// Those that could not take it: kept by the relay, in the transaction that marks the message as published.
    pub dead_letters: Vec<DeadLetter>,
}

/// A consumer that could not take a message, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadLetter {
    /// Who.
    pub consumer: &'static str,
    /// Why, without secrets.
    pub reason: String,
}

/// Why a message is not confirmed. It must be published again, under the same id.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// Some consumer has not taken it yet. The bus keeps the order for that consumer by itself, so later messages of the same
    /// aggregate may be published meanwhile.
    #[error("a consumer has not taken the message after {failures} failed deliveries")]
    Waiting {
        /// Failed deliveries of the consumer that has most of them; 0 when it only waits behind an earlier message.
        failures: u32,
    },
    /// The bus cannot be reached; later messages of the same aggregate must wait.
    #[error("the bus does not confirm: {0}")]
    Unavailable(String),
}

impl Bus {
    /// A bus within this process.
    #[must_use]
    pub fn in_process() -> Self {
        Self::InProcess(InProcess::default())
    }

    /// Lets `consumer` have every message of its types from now on. A second one of the same name takes the place of the first.
    pub fn subscribe(&self, consumer: Arc<dyn Consumer>) {
        match self {
            Self::InProcess(bus) => bus.subscribe(consumer),
        }
    }

    /// Publishes one message: answers when every consumer of its type has settled it.
    ///
    /// # Errors
    /// When some has not; consumers that have are not called again on the next attempt.
    pub async fn publish(&self, envelope: &Envelope) -> Result<Confirmed, PublishError> {
        match self {
            Self::InProcess(bus) => bus.publish(envelope).await,
        }
    }

    /// Delivers to one consumer only, outside the order: for replays.
    ///
    /// # Errors
    /// What the consumer answers; [`ConsumeError::Retry`] when there is none of this name.
    pub async fn deliver_to(&self, consumer: &str, envelope: &Envelope) -> Result<(), ConsumeError> {
        match self {
            Self::InProcess(bus) => match bus.consumers(|c| c.name() == consumer).first() {
                Some(found) => consume(found.as_ref(), envelope).await,
                None => Err(ConsumeError::Retry("no consumer of this name is subscribed".into())),
            },
        }
    }
}

/// The bus within one process.
#[derive(Clone, Default)]
pub struct InProcess(Arc<Inner>);

#[derive(Default)]
struct Inner {
    consumers: RwLock<Vec<Arc<dyn Consumer>>>,
    deliveries: Mutex<Deliveries>,
}

impl std::fmt::Debug for InProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.consumers(|_| true).iter().map(|consumer| consumer.name())).finish()
    }
}

impl InProcess {
    fn subscribe(&self, consumer: Arc<dyn Consumer>) {
        let mut consumers = self.0.consumers.write().unwrap_or_else(PoisonError::into_inner);
        consumers.retain(|other| other.name() != consumer.name());
        consumers.push(consumer);
    }

    fn consumers(&self, wanted: impl Fn(&dyn Consumer) -> bool) -> Vec<Arc<dyn Consumer>> {
        let consumers = self.0.consumers.read().unwrap_or_else(PoisonError::into_inner);
        consumers.iter().filter(|consumer| wanted(consumer.as_ref())).cloned().collect()
    }

    fn deliveries(&self) -> MutexGuard<'_, Deliveries> {
        self.0.deliveries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn publish(&self, envelope: &Envelope) -> Result<Confirmed, PublishError> {
        let consumers = self.consumers(|consumer| consumer.event_types().contains(&envelope.event_type.as_str()));
        join_all(consumers.iter().map(|consumer| self.deliver(consumer.as_ref(), envelope))).await;
        let names: Vec<_> = consumers.iter().map(|consumer| consumer.name()).collect();
        self.deliveries().confirm(&names, envelope)
    }

    async fn deliver(&self, consumer: &dyn Consumer, envelope: &Envelope) {
        let name = consumer.name();
        if !self.deliveries().wants(name, envelope) {
            return;
        }
        let outcome = consume(consumer, envelope).await;
        if let Err(error) = &outcome {
            tracing::warn!(consumer = name, event.id = %envelope.id, event.r#type = envelope.event_type, %error, "delivery failed");
        }
        let mut deliveries = self.deliveries();
        match outcome {
            Ok(()) => deliveries.taken(name, envelope),
            Err(ConsumeError::Poison(reason)) => deliveries.dead(name, envelope, shortened(&reason)),
            Err(ConsumeError::Retry(error)) => deliveries.failed(name, envelope, &shortened(&error.to_string())),
        }
    }
}

/// One delivery. A panic is a failed one; its message is dropped, for it may show values.
async fn consume(consumer: &dyn Consumer, envelope: &Envelope) -> Result<(), ConsumeError> {
    let delivery = AssertUnwindSafe(async { consumer.consume(envelope).await }).catch_unwind();
    match tokio::time::timeout(DELIVERY_TIME, delivery).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(ConsumeError::Retry("the consumer panicked".into())),
        Err(_) => Err(ConsumeError::Retry("the consumer took too long".into())),
    }
}

fn shortened(reason: &str) -> String {
    reason.chars().take(REASON_LENGTH).collect()
}
