//! The exchanges, queues and bindings of the platform.
//!
//! | name | what it is |
//! |---|---|
//! | `{namespace}.events` | durable topic exchange; the routing key is the type of the event |
//! | `{namespace}.{consumer}` | durable quorum queue of one consumer, bound for each type it wants |
//! | `{namespace}.dead` | durable direct exchange for what the broker gives up; the routing key is the consumer |
//! | `{namespace}.{consumer}.dead` | durable quorum queue for that, emptied by the consumer's service |

use std::time::Duration;

use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use lapin::{Channel, Connection, ExchangeKind};
use tokio::time::timeout;

use super::connection::Failure;
use crate::consumer::Subscription;

/// How long declaring everything may take.
const DECLARE_TIME: Duration = Duration::from_secs(10);

/// Deliveries after which the broker itself gives a message up: one that kills its consumer's process each time. It counts each
/// delivery that ended with its connection, also of messages that nobody had begun with; so it is above the five tries of a
/// consumer.
const DELIVERY_LIMIT: i64 = 10;

/// Messages a queue holds before its publishers are refused and keep their rows.
const LENGTH_LIMIT: i64 = 1_000_000;

/// Deliveries of dead letters are never given up. Newer brokers would, after 20, if nothing was said.
const NO_LIMIT: i64 = 1_000_000_000;

/// What is declared. The arguments of a queue are for ever: a broker refuses to declare it with others.
pub(super) struct Topology {
    namespace: String,
    subscriptions: Vec<Subscription>,
}

impl Topology {
    pub(super) fn new(namespace: String, subscriptions: &[Subscription]) -> Self {
        Self { namespace, subscriptions: subscriptions.to_vec() }
    }

    /// Whether any consumer waits for messages of this type.
    pub(super) fn wants(&self, event_type: &str) -> bool {
        self.subscriptions.iter().any(|subscription| subscription.wants(event_type))
    }

    pub(super) fn events(&self) -> ShortString {
        format!("{}.events", self.namespace).into()
    }

    pub(super) fn queue(&self, consumer: &str) -> ShortString {
        format!("{}.{consumer}", self.namespace).into()
    }

    pub(super) fn dead_queue(&self, consumer: &str) -> ShortString {
        format!("{}.{consumer}.dead", self.namespace).into()
    }

    fn dead(&self) -> ShortString {
        format!("{}.dead", self.namespace).into()
    }

    /// Declares everything, and `more`: what is there already stays as it is.
    pub(super) async fn declare(&self, connection: &Connection, more: &[Subscription]) -> Result<(), Failure> {
        let declared = async {
            let channel = connection.create_channel().await?;
            let durable = ExchangeDeclareOptions { durable: true, ..Default::default() };
            channel.exchange_declare(self.events(), ExchangeKind::Topic, durable, FieldTable::default()).await?;
            channel.exchange_declare(self.dead(), ExchangeKind::Direct, durable, FieldTable::default()).await?;
            let unlisted = more.iter().filter(|subscription| !self.subscriptions.contains(subscription));
            for subscription in self.subscriptions.iter().chain(unlisted) {
                self.declare_queues(&channel, subscription).await?;
            }
            Ok(())
        };
        timeout(DECLARE_TIME, declared).await.map_err(|_| Failure::TimeOut("declaring the queues"))?
    }

    async fn declare_queues(&self, channel: &Channel, subscription: &Subscription) -> Result<(), Failure> {
        let durable = QueueDeclareOptions { durable: true, ..Default::default() };
        let (queue, dead_queue) = (self.queue(subscription.consumer), self.dead_queue(subscription.consumer));
        channel.queue_declare(dead_queue.clone(), durable, dead_arguments()).await?;
        let key = ShortString::from(subscription.consumer);
        let bind = QueueBindOptions::default();
        channel.queue_bind(dead_queue, self.dead(), key.clone(), bind, FieldTable::default()).await?;
        channel.queue_declare(queue.clone(), durable, self.arguments(key)).await?;
        for event_type in subscription.event_types {
            let key = ShortString::from(*event_type);
            channel.queue_bind(queue.clone(), self.events(), key, bind, FieldTable::default()).await?;
        }
        Ok(())
    }

    fn arguments(&self, dead_key: ShortString) -> FieldTable {
        table([
            ("x-queue-type", text("quorum")),
            ("x-single-active-consumer", AMQPValue::Boolean(true)),
            ("x-delivery-limit", AMQPValue::LongLongInt(DELIVERY_LIMIT)),
            ("x-dead-letter-exchange", text(self.dead().as_str())),
            ("x-dead-letter-routing-key", text(dead_key.as_str())),
            // Without all three of these a message on its way to the dead letters can be lost.
            ("x-dead-letter-strategy", text("at-least-once")),
            ("x-overflow", text("reject-publish")),
            ("x-max-length", AMQPValue::LongLongInt(LENGTH_LIMIT)),
        ])
    }
}

fn dead_arguments() -> FieldTable {
    table([("x-queue-type", text("quorum")), ("x-delivery-limit", AMQPValue::LongLongInt(NO_LIMIT))])
}

fn table<const N: usize>(entries: [(&str, AMQPValue); N]) -> FieldTable {
    let mut table = FieldTable::default();
    for (name, value) in entries {
        table.insert(name.into(), value);
    }
    table
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}
