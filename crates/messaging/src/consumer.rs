//! Who reacts to events, and what happens to one message in its hands.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use futures::FutureExt;
use tessera_common::telemetry;
use tracing::Instrument as _;

use crate::envelope::{DecodeError, Envelope};

/// Failed deliveries after which a message goes to the dead letters.
pub(crate) const LIMIT: u32 = 5;

/// How long one delivery may take: above the time-outs of a consumer's own statements.
const DELIVERY_TIME: Duration = Duration::from_secs(5);

/// The longest reason that is kept.
const REASON_LENGTH: usize = 300;

/// What a consumer wants. Publishers need it too: they see to it that its queue is there before it has ever run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The consumer's name, unique on the bus: the name of its queue, its inbox rows and its dead letters.
    pub consumer: &'static str,
    /// The [`Event::TYPE`](crate::Event::TYPE)s it wants.
    pub event_types: &'static [&'static str],
}

impl Subscription {
    /// Whether messages of this type are for it.
    #[must_use]
    pub fn wants(&self, event_type: &str) -> bool {
        self.event_types.contains(&event_type)
    }
}

/// Reacts to events of other contexts.
#[async_trait]
pub trait Consumer: Send + Sync {
    /// Its name, and what it wants.
    fn subscription(&self) -> Subscription;

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

/// One delivery, in the trace that wrote the event. A panic is a failed one; its message is dropped, for it may show values.
/// Failures are logged here.
pub(crate) async fn deliver(consumer: &dyn Consumer, envelope: &Envelope) -> Result<(), ConsumeError> {
    let span = tracing::info_span!(
        "event.consume",
        otel.name = format!("process {}", envelope.event_type),
        otel.kind = "consumer",
        consumer = consumer.subscription().consumer,
        event.id = %envelope.id,
        event.r#type = envelope.event_type,
    );
    telemetry::follow(&span, envelope.trace.as_deref());
    delivered(consumer, envelope).instrument(span).await
}

async fn delivered(consumer: &dyn Consumer, envelope: &Envelope) -> Result<(), ConsumeError> {
    let delivery = AssertUnwindSafe(async { consumer.consume(envelope).await }).catch_unwind();
    let outcome = match tokio::time::timeout(DELIVERY_TIME, delivery).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_)) => Err(ConsumeError::Retry("the consumer panicked".into())),
        Err(_) => Err(ConsumeError::Retry("the consumer took too long".into())),
    };
    if let Err(error) = &outcome {
        tracing::warn!(%error, "delivery failed");
    }
    outcome
}

/// Why a message is given up after its last delivery failed.
pub(crate) fn exhausted(failures: u32, last: &dyn std::fmt::Display) -> String {
    shortened(&format!("{failures} deliveries failed, the last: {last}"))
}

/// A reason that is short enough to be kept.
pub(crate) fn shortened(reason: &str) -> String {
    reason.chars().take(REASON_LENGTH).collect()
}

/// The consumers of this process.
#[derive(Default)]
pub(crate) struct Consumers(RwLock<Vec<Arc<dyn Consumer>>>);

impl Consumers {
    /// Adds one; of two with the same name the later stays.
    pub(crate) fn add(&self, consumer: Arc<dyn Consumer>) {
        let name = consumer.subscription().consumer;
        let mut consumers = self.0.write().unwrap_or_else(PoisonError::into_inner);
        consumers.retain(|other| other.subscription().consumer != name);
        consumers.push(consumer);
    }

    pub(crate) fn all(&self) -> Vec<Arc<dyn Consumer>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One delivery to the consumer of this name.
    pub(crate) async fn deliver_to(&self, name: &str, envelope: &Envelope) -> Result<(), ConsumeError> {
        match self.all().iter().find(|consumer| consumer.subscription().consumer == name) {
            Some(consumer) => deliver(consumer.as_ref(), envelope).await,
            None => Err(ConsumeError::Retry("no consumer of this name is subscribed".into())),
        }
    }
}

impl std::fmt::Debug for Consumers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.all().iter().map(|consumer| consumer.subscription().consumer)).finish()
    }
}
