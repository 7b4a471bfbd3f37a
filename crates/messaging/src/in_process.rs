//! The bus within one process: publishing calls the consumers.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::future::join_all;
use tokio::sync::watch;

use crate::bus::{Confirmed, PublishError};
use crate::consumer::{ConsumeError, Consumer, Consumers, deliver, shortened};
use crate::deliveries::Deliveries;
use crate::envelope::Envelope;

/// Calls the consumers itself. Cheap to clone; all clones are one bus.
#[derive(Clone, Debug, Default)]
pub struct InProcess(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    consumers: Consumers,
    deliveries: Mutex<Deliveries>,
    /// Never changes: what is in this process can be reached.
    reachable: watch::Sender<bool>,
}

impl Default for Inner {
    fn default() -> Self {
        Self { consumers: Consumers::default(), deliveries: Mutex::default(), reachable: watch::Sender::new(true) }
    }
}

impl InProcess {
    pub(crate) fn consumers(&self) -> &Consumers {
        &self.0.consumers
    }

    pub(crate) fn reachable(&self) -> watch::Receiver<bool> {
        self.0.reachable.subscribe()
    }

    pub(crate) async fn publish(&self, envelope: &Envelope) -> Result<Confirmed, PublishError> {
        let mut consumers = self.0.consumers.all();
        consumers.retain(|consumer| consumer.subscription().wants(&envelope.event_type));
        join_all(consumers.iter().map(|consumer| self.deliver(consumer.as_ref(), envelope))).await;
        let names: Vec<_> = consumers.iter().map(|consumer| consumer.subscription().consumer).collect();
        self.deliveries().confirm(&names, envelope)
    }

    async fn deliver(&self, consumer: &dyn Consumer, envelope: &Envelope) {
        let name = consumer.subscription().consumer;
        if !self.deliveries().wants(name, envelope) {
            return;
        }
        let outcome = deliver(consumer, envelope).await;
        let mut deliveries = self.deliveries();
        match outcome {
            Ok(()) => deliveries.taken(name, envelope),
            Err(ConsumeError::Poison(reason)) => deliveries.dead(name, envelope, shortened(&reason)),
            Err(ConsumeError::Retry(error)) => deliveries.failed(name, envelope, &error),
        }
    }

    fn deliveries(&self) -> MutexGuard<'_, Deliveries> {
        self.0.deliveries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
