//! A namespace of its own on the broker for each test, reached through a gate that can be shut, and removed at the end.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Duration;

use futures::FutureExt;
use lapin::options::{ExchangeDeleteOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::FieldTable;
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties};
use tessera_common::clock::Clock;
use tessera_common::random::Random;
use tessera_messaging::rabbitmq::{LinkState, RabbitMqStatus};
use tessera_messaging::{Bus, Event, RabbitMq, RabbitMqParts, RabbitMqSettings, Subscription};
use tessera_storage::Db;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::gate::Gate;
use crate::support::{Happened, World};

/// Each named test, with SQLite.
macro_rules! over_rabbitmq {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            $(#[tokio::test] async fn $name() {
                $crate::support::with_sqlite(async |db| $crate::rabbitmq::stage::play(db, super::$name).await).await;
            })+
        }
    };
}

/// Each named test, with PostgreSQL besides.
macro_rules! over_rabbitmq_with_postgres {
    ($($name:ident),+ $(,)?) => {
        mod postgres {
            $(#[tokio::test] async fn $name() {
                $crate::support::with_postgres(async |db| $crate::rabbitmq::stage::play(db, super::$name).await).await;
            })+
        }
    };
}

/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// What the publishers of these tests know of.
pub const SUBSCRIPTIONS: &[Subscription] = &[
    Subscription { consumer: "test.a", event_types: &[Happened::TYPE] },
    Subscription { consumer: "test.b", event_types: &[Happened::TYPE] },
];

/// What a test works with.
pub struct Stage {
    /// Its bus is that of `end`.
    pub world: World,
    pub end: End,
    pub gate: Gate,
    broker: AMQPUri,
    pub namespace: String,
    /// Past the gate, as an operator would come.
    pub operator: Channel,
    operator_connection: Connection,
}

/// One service's end of the bus.
pub struct End {
    pub rabbit: RabbitMq,
    pub bus: Bus,
    stop: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
}

impl End {
    /// From now on it connects; subscribe before.
    pub fn start(&mut self) {
        self.workers = self.rabbit.workers(self.stop.subscribe());
    }

    pub fn status(&self) -> RabbitMqStatus {
        self.rabbit.status()
    }

    pub async fn is_up(&self) {
        until("the bus is up", async || self.status().publishing.state == LinkState::Up).await;
    }

    /// As a process that is told to stop.
    pub async fn stop(&mut self) {
        self.stop.send_replace(true);
        for worker in self.workers.drain(..) {
            worker.await.unwrap();
        }
        self.rabbit.close().await;
    }
}

impl Stage {
    /// Another service's end, or another instance of the same.
    pub fn another_end(&self) -> End {
        self.end_at(&self.gate.url(), None)
    }

    /// One that finds the broker elsewhere, and trusts these authorities.
    pub fn end_at(&self, url: &str, authorities: Option<Vec<u8>>) -> End {
        end(url, &self.namespace, authorities, self.world.db.clone(), self.world.clock.clone())
    }

    /// Another way to the broker.
    pub async fn another_gate(&self) -> Gate {
        Gate::to(self.broker.clone()).await
    }

    pub fn queue(&self, consumer: &str) -> String {
        format!("{}.{consumer}", self.namespace)
    }

    /// Messages in a queue that no consumer holds; nothing if there is no such queue.
    pub async fn messages(&self, queue: &str) -> Option<u32> {
        let channel = self.operator_connection.create_channel().await.unwrap();
        let passive = QueueDeclareOptions { passive: true, ..Default::default() };
        let declared = channel.queue_declare(queue.into(), passive, FieldTable::default()).await;
        declared.ok().map(|queue| queue.message_count())
    }

    async fn clean_up(&mut self) {
        self.end.stop().await;
        for subscription in SUBSCRIPTIONS {
            let queue = self.queue(subscription.consumer);
            for queue in [format!("{queue}.dead"), queue] {
                self.operator.queue_delete(queue.into(), QueueDeleteOptions::default()).await.unwrap();
            }
        }
        for exchange in ["events", "dead"] {
            let exchange = format!("{}.{exchange}", self.namespace);
            self.operator.exchange_delete(exchange.into(), ExchangeDeleteOptions::default()).await.unwrap();
        }
    }
}

/// Plays a test, unless the broker's are left out.
pub async fn play(db: Db, test: impl AsyncFnOnce(&mut Stage)) {
    if std::env::var("TESSERA_TEST_RABBITMQ").as_deref() == Ok("off") {
        return;
    }
    let url =
        std::env::var("TESSERA_TEST_AMQP_URL").unwrap_or_else(|_| "amqp://guest:guest@127.0.0.1:5672/%2f".to_owned());
    let operator_connection = Connection::connect(&url, ConnectionProperties::default())
        .await
        .expect("RabbitMQ answers; TESSERA_TEST_RABBITMQ=off leaves its tests out");
    let uri: AMQPUri = url.parse().unwrap();
    let gate = Gate::to(uri.clone()).await;
    let namespace = format!("tessera-test-{}", Uuid::from_bytes(Random::system().bytes()).simple());
    let clock = Clock::machine();
    let end = end(&gate.url(), &namespace, None, db.clone(), clock.clone());
    let mut stage = Stage {
        world: World::with(db, clock, end.bus.clone()),
        end,
        gate,
        broker: uri,
        namespace,
        operator: operator_connection.create_channel().await.unwrap(),
        operator_connection,
    };
    let outcome = AssertUnwindSafe(test(&mut stage)).catch_unwind().await;
    stage.clean_up().await;
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
}

fn end(url: &str, namespace: &str, authorities: Option<Vec<u8>>, db: Db, clock: Clock) -> End {
    let settings = RabbitMqSettings { url: url.into(), namespace: namespace.to_owned(), authorities };
    let parts =
        RabbitMqParts { settings: &settings, subscriptions: SUBSCRIPTIONS, db, clock, random: Random::system() };
    let rabbit = RabbitMq::new(parts).unwrap();
    End { bus: Bus::RabbitMq(rabbit.clone()), rabbit, stop: watch::Sender::new(false), workers: Vec::new() }
}

/// Waits for what must come to be.
pub async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    let mut look = tokio::time::interval(Duration::from_millis(5));
    let waited = tokio::time::timeout(PATIENCE, async {
        while !holds().await {
            look.tick().await;
        }
    });
    assert!(waited.await.is_ok(), "waited in vain: {what}");
}
