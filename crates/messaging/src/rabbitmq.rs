//! The bus over RabbitMQ: durable queues, confirms, manual acknowledgements.
//!
//! Two connections, one that publishes and one that consumes: a broker that is short of memory blocks the former and must not keep
//! the latter from emptying queues. Each has a supervisor that makes it anew whenever anything on it fails. Nothing waits for the
//! broker: without it publishing answers that it is unavailable, and the rows of the outbox stay.

mod connection;
mod keeper;
mod message;
mod metrics;
mod publisher;
mod queue_worker;
mod settings;
mod status;
mod subscriber;
mod supervisor;
mod topology;

use std::sync::{Arc, Mutex, PoisonError};

use lapin::Connection;
use tessera_common::clock::Clock;
use tessera_common::random::Random;
use tessera_storage::Db;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use self::connection::{Address, Failure};
use self::keeper::Keeper;
use self::publisher::Publisher;
use self::status::Line;
use self::subscriber::Subscriber;
use self::supervisor::supervise;
use self::topology::Topology;
use crate::bus::{Confirmed, PublishError};
use crate::consumer::{Consumers, Subscription};
use crate::envelope::Envelope;

pub use self::settings::{RabbitMqError, RabbitMqSettings};
pub use self::status::{Link, LinkState, RabbitMqStatus};

/// What one service's end of the bus is built from.
#[derive(Debug)]
pub struct RabbitMqParts<'a> {
    /// Where the broker is.
    pub settings: &'a RabbitMqSettings,
    /// Every consumer of the platform: publishers declare their queues, so that no event is lost for one that has never run.
    pub subscriptions: &'a [Subscription],
    /// The service's database, where its consumers' dead letters are kept.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Randomness, for pauses.
    pub random: Random,
}

/// One service's end of the bus. Cheap to clone; all clones are one.
#[derive(Clone)]
pub struct RabbitMq(Arc<Inner>);

struct Inner {
    broker: Broker,
    publisher: Publisher,
    subscriber: Subscriber,
    random: Random,
    closing: watch::Sender<bool>,
    publishing: Mutex<Option<JoinHandle<()>>>,
}

/// What both connections need.
struct Broker {
    address: Address,
    namespace: String,
    topology: Topology,
    consumers: Consumers,
}

impl std::fmt::Debug for RabbitMq {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RabbitMq").field("consumers", &self.0.broker.consumers).finish_non_exhaustive()
    }
}

impl RabbitMq {
    /// An end of the bus that is not connected yet. Subscribe the consumers, then start the [`workers`](Self::workers).
    ///
    /// # Errors
    /// When the settings cannot be used. That the broker does not answer is no error.
    pub fn new(parts: RabbitMqParts<'_>) -> Result<Self, RabbitMqError> {
        let RabbitMqParts { settings, subscriptions, db, clock, random } = parts;
        let namespace = settings.namespace()?;
        let bus = Self(Arc::new(Inner {
            broker: Broker {
                address: Address::of(settings)?,
                topology: Topology::new(namespace.clone(), subscriptions),
                namespace,
                consumers: Consumers::default(),
            },
            publisher: Publisher::new(clock.clone()),
            subscriber: Subscriber::new(Keeper { db, clock: clock.clone(), random: random.clone() }),
            random,
            closing: watch::Sender::new(false),
            publishing: Mutex::default(),
        }));
        bus.count(clock);
        Ok(bus)
    }

    /// Starts the supervisors of both connections. What is answered ends once `stop` is true: consumers have finished what they
    /// had in hand, and the rest is back in the queues. Publishing goes on until [`close`](Self::close), for relays send what is
    /// left after a stop.
    #[must_use]
    pub fn workers(&self, stop: watch::Receiver<bool>) -> Vec<JoinHandle<()>> {
        let bus = self.clone();
        let publishing = tokio::spawn(async move {
            let Inner { broker, publisher, random, closing, .. } = &*bus.0;
            supervise(publisher.line(), random, closing.subscribe(), || publisher.session(broker, closing.subscribe()))
                .await;
        });
        *self.0.publishing.lock().unwrap_or_else(PoisonError::into_inner) = Some(publishing);
        if self.0.broker.consumers.all().is_empty() {
            return Vec::new();
        }
        let bus = self.clone();
        let consuming = tokio::spawn(async move {
            let Inner { broker, subscriber, random, .. } = &*bus.0;
            supervise(subscriber.line(), random, stop.clone(), || subscriber.session(broker, stop.clone())).await;
        });
        vec![consuming]
    }

    /// Ends publishing. Call it when the relays have stopped.
    pub async fn close(&self) {
        self.0.closing.send_replace(true);
        let publishing = self.0.publishing.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(publishing) = publishing {
            // It can only have panicked otherwise, and has then ended too.
            drop(publishing.await);
        }
    }

    /// How the broker is reached now.
    #[must_use]
    pub fn status(&self) -> RabbitMqStatus {
        RabbitMqStatus {
            publishing: self.0.publisher.line().link(),
            consuming: self.0.subscriber.line().link(),
            unconfirmed_since: self.0.publisher.unconfirmed_since(),
        }
    }

    pub(crate) async fn publish(&self, envelope: &Envelope) -> Result<Confirmed, PublishError> {
        self.0.publisher.publish(&self.0.broker, envelope).await
    }

    pub(crate) fn consumers(&self) -> &Consumers {
        &self.0.broker.consumers
    }

    pub(crate) fn reachable(&self) -> watch::Receiver<bool> {
        self.0.publisher.line().up()
    }
}

impl Broker {
    async fn connect(&self, line: &Line) -> Result<Connection, Failure> {
        self.address.connect(format!("{} {}", self.namespace, line.name())).await
    }

    /// Declares the platform's queues, and those of this process's consumers if they are not among them.
    async fn declare(&self, connection: &Connection) -> Result<(), Failure> {
        let own: Vec<_> = self.consumers.all().iter().map(|consumer| consumer.subscription()).collect();
        self.topology.declare(connection, &own).await
    }
}
