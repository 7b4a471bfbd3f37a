//! Takes events from relays to consumers.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::consumer::{ConsumeError, Consumer, Consumers};
use crate::envelope::Envelope;
use crate::in_process::InProcess;
use crate::rabbitmq::RabbitMq;

/// Where relays publish and consumers listen. Cheap to clone; all clones are one bus.
#[derive(Clone, Debug)]
pub enum Bus {
    /// Calls the consumers in this process.
    InProcess(InProcess),
    /// Takes them to the consumers of all services through a broker.
    RabbitMq(RabbitMq),
}

/// The bus has taken a message over: it need not be published again.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Confirmed {
    /// Consumers that are known not to have taken it: kept by the relay, in the transaction that marks the message as
    /// published. Always empty when consumers answer later, elsewhere; they keep their own.
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
    /// The bus has not taken it, or has not said so; later messages of the same aggregate must wait.
    #[error("the bus does not confirm: {0}")]
    Unavailable(String),
}

impl Bus {
    /// A bus within this process.
    #[must_use]
    pub fn in_process() -> Self {
        Self::InProcess(InProcess::default())
    }

    /// Lets `consumer` have every message of its types: over RabbitMQ those published since its queue was first declared, in
    /// one process those from now on. A second one of the same name takes the place of the first. Over RabbitMQ, subscribe
    /// before the workers start.
    pub fn subscribe(&self, consumer: Arc<dyn Consumer>) {
        self.consumers().add(consumer);
    }

    /// Publishes one message: answers when the bus has taken it over, which in one process is when every consumer of its type
    /// has settled it.
    ///
    /// # Errors
    /// When it has not; consumers that have are not called again on the next attempt.
    pub async fn publish(&self, envelope: &Envelope) -> Result<Confirmed, PublishError> {
        match self {
            Self::InProcess(bus) => bus.publish(envelope).await,
            Self::RabbitMq(bus) => bus.publish(envelope).await,
        }
    }

    /// Delivers to one consumer of this process only, outside the order: for replays.
    ///
    /// # Errors
    /// What the consumer answers; [`ConsumeError::Retry`] when there is none of this name.
    pub async fn deliver_to(&self, consumer: &str, envelope: &Envelope) -> Result<(), ConsumeError> {
        self.consumers().deliver_to(consumer, envelope).await
    }

    /// Starts what keeps the bus connected; see [`RabbitMq::workers`]. In one process there is nothing to connect.
    #[must_use]
    pub fn workers(&self, stop: watch::Receiver<bool>) -> Vec<JoinHandle<()>> {
        match self {
            Self::InProcess(_) => Vec::new(),
            Self::RabbitMq(bus) => bus.workers(stop),
        }
    }

    /// Ends publishing. Call it when the relays have stopped.
    pub async fn close(&self) {
        if let Self::RabbitMq(bus) = self {
            bus.close().await;
        }
    }

    /// How many aggregates a relay sends at once: few where consumers work in the meantime, many where a confirm is waited for.
    pub(crate) const fn at_once(&self) -> usize {
        match self {
            Self::InProcess(_) => 8,
            Self::RabbitMq(_) => 100,
        }
    }

    /// Whether publishing makes sense now, and a notice whenever that changes.
    pub(crate) fn reachable(&self) -> watch::Receiver<bool> {
        match self {
            Self::InProcess(bus) => bus.reachable(),
            Self::RabbitMq(bus) => bus.reachable(),
        }
    }

    fn consumers(&self) -> &Consumers {
        match self {
            Self::InProcess(bus) => bus.consumers(),
            Self::RabbitMq(bus) => bus.consumers(),
        }
    }
}
