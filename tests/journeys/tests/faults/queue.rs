//! The broker as an operator's tool sees it: messages are recorded, taken out, and published as they were.

use std::time::Duration;

use futures::StreamExt as _;
use lapin::message::Delivery;
use lapin::options::{
    BasicAckOptions, BasicCancelOptions, BasicConsumeOptions, BasicGetOptions, BasicPublishOptions,
    ConfirmSelectOptions, QueueBindOptions, QueueDeclareOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, Channel, Confirmation, Connection, ConnectionProperties};
use tessera_journeys::{RabbitMq, Services};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(30);

/// One message.
#[derive(Clone, Debug)]
pub struct Message {
    pub routing_key: String,
    pub properties: BasicProperties,
    pub body: Vec<u8>,
}

impl Message {
    fn of(delivery: Delivery) -> Self {
        let Delivery { routing_key, properties, data, .. } = delivery;
        Self { routing_key: routing_key.to_string(), properties, body: data }
    }

    /// The id by which it is known wherever it comes again.
    pub fn id(&self) -> String {
        self.properties.message_id().as_ref().expect("an id").to_string()
    }
}

/// A connection to the names of one platform.
pub struct Queues {
    channel: Channel,
    namespace: String,
    /// A queue of this connection with a copy of everything that is published.
    record: String,
    // Held: the channel ends with it.
    _connection: Connection,
}

impl Queues {
    /// From now on everything is recorded.
    pub async fn of(broker: &RabbitMq, services: &Services) -> Self {
        let connection = Connection::connect(&broker.url(), ConnectionProperties::default()).await.expect("the broker");
        let channel = connection.create_channel().await.expect("a channel");
        channel.confirm_select(ConfirmSelectOptions::default()).await.expect("confirms");
        let own = QueueDeclareOptions { exclusive: true, auto_delete: true, ..Default::default() };
        let queue = channel.queue_declare("".into(), own, FieldTable::default()).await.expect("a queue");
        let queues = Self {
            channel,
            namespace: services.namespace().to_owned(),
            record: queue.name().to_string(),
            _connection: connection,
        };
        let (record, all) = (queues.record.as_str().into(), "#".into());
        let bound = queues.channel.queue_bind(
            record,
            queues.events().into(),
            all,
            QueueBindOptions::default(),
            FieldTable::default(),
        );
        bound.await.expect("bound");
        queues
    }

    /// What was published since the last look.
    pub async fn recorded(&self) -> Vec<Message> {
        let mut taken = Vec::new();
        while let Some(message) =
            self.channel.basic_get(self.record.as_str().into(), BasicGetOptions::default()).await.expect("the record")
        {
            message.acker.ack(BasicAckOptions::default()).await.expect("acknowledged");
            taken.push(Message::of(message.delivery));
        }
        taken
    }

    /// Takes so many messages out of a consumer's queue. Nobody else may be consuming it.
    pub async fn take(&self, consumer: &str, number: usize) -> Vec<Message> {
        let (queue, tag) = (self.queue(consumer), "test");
        let consuming = self.channel.basic_consume(
            queue.as_str().into(),
            tag.into(),
            BasicConsumeOptions::default(),
            FieldTable::default(),
        );
        let mut deliveries = consuming.await.expect("consumed");
        let mut taken = Vec::new();
        while taken.len() < number {
            let delivery = timeout(PATIENCE, deliveries.next()).await.expect("a message in time");
            let delivery = delivery.expect("the queue is there").expect("a message");
            delivery.ack(BasicAckOptions::default()).await.expect("acknowledged");
            taken.push(Message::of(delivery));
        }
        self.channel.basic_cancel(tag.into(), BasicCancelOptions::default()).await.expect("cancelled");
        taken
    }

    /// How many messages wait in a consumer's queue that nobody has in hand.
    pub async fn waiting(&self, consumer: &str) -> u32 {
        let look = QueueDeclareOptions { passive: true, ..Default::default() };
        let queue = self.channel.queue_declare(self.queue(consumer).into(), look, FieldTable::default()).await;
        queue.expect("the queue").message_count()
    }

    /// Publishes to everybody who wants messages of this routing key.
    pub async fn publish(&self, message: &Message) {
        self.send(&self.events(), &message.routing_key, message).await;
    }

    /// Puts a message into the queue of one consumer.
    pub async fn put(&self, consumer: &str, message: &Message) {
        self.send("", &self.queue(consumer), message).await;
    }

    async fn send(&self, exchange: &str, routing_key: &str, message: &Message) {
        let options = BasicPublishOptions { mandatory: true, ..Default::default() };
        let properties = message.properties.clone();
        let sent = self.channel.basic_publish(exchange.into(), routing_key.into(), options, &message.body, properties);
        let confirmed = sent.await.expect("published").await.expect("confirmed");
        assert!(matches!(confirmed, Confirmation::Ack(None)), "{confirmed:?}");
    }

    fn events(&self) -> String {
        format!("{}.events", self.namespace)
    }

    fn queue(&self, consumer: &str) -> String {
        format!("{}.{consumer}", self.namespace)
    }
}
