//! The connection that consumes: a channel for the queue of each consumer of this process, and one for its dead letters.

use std::pin::pin;
use std::sync::Arc;

use futures::StreamExt as _;
use lapin::options::{BasicConsumeOptions, BasicQosOptions};
use lapin::types::{FieldTable, ShortString};
use lapin::{Connection, Event};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Broker;
use super::connection::{Failure, close, lost, set_up};
use super::keeper::Keeper;
use super::queue_worker::{PREFETCH, QueueWorker};
use super::status::{Line, LinkState};
use super::supervisor::stopped;
use crate::consumer::Consumer;

/// Dead letters handed out at once.
const DEAD_PREFETCH: u16 = 10;

/// Consumes, as long as there is a connection.
pub(super) struct Subscriber {
    line: Line,
    keeper: Arc<Keeper>,
}

/// One consumer with its open queues.
struct Opened {
    consumer: Arc<dyn Consumer>,
    deliveries: lapin::Consumer,
    dead: lapin::Consumer,
}

impl Subscriber {
    pub(super) fn new(keeper: Keeper) -> Self {
        Self { line: Line::new("consuming", keeper.clock.clone()), keeper: Arc::new(keeper) }
    }

    pub(super) const fn line(&self) -> &Line {
        &self.line
    }

    /// Connects, declares and works until something fails or `stop` is true; then finishes what is in the consumers' hands.
    pub(super) async fn session(&self, broker: &Broker, mut stop: watch::Receiver<bool>) -> Result<(), Failure> {
        let connection = broker.connect(&self.line).await?;
        let mut events = pin!(connection.events_listener());
        let setting_up = async {
            broker.declare(&connection).await?;
            let mut opened = Vec::new();
            for consumer in broker.consumers.all() {
                opened.push(open(broker, &connection, consumer).await?);
            }
            Ok(opened)
        };
        let opened = set_up(&connection, setting_up).await?;
        let mut lost = pin!(lost(&connection, &[]));
        let (end, ending) = watch::channel(false);
        let mut work = self.start(opened, &ending);
        self.line.is(LinkState::Up);
        let ended = loop {
            tokio::select! {
                () = stopped(&mut stop) => break Ok(()),
                failure = &mut lost => break Err(failure),
                Some(ended) = work.join_next() => break ended.unwrap_or(Err(Failure::Lost)),
                event = events.next() => match event {
                    Some(Event::Error(error)) => break Err(error.into()),
                    Some(_) => {}
                    None => break Err(Failure::Lost),
                },
            }
        };
        self.line.is(LinkState::Down);
        end.send_replace(true);
        while work.join_next().await.is_some() {}
        close(&connection).await;
        ended
    }

    fn start(&self, opened: Vec<Opened>, ending: &watch::Receiver<bool>) -> JoinSet<Result<(), Failure>> {
        let mut work = JoinSet::new();
        for Opened { consumer, deliveries, dead } in opened {
            let worker = Arc::new(QueueWorker::new(consumer, self.keeper.clone()));
            let (drain, drain_end, end) = (worker.clone(), ending.clone(), ending.clone());
            work.spawn(async move { worker.run(deliveries, end).await });
            work.spawn(async move { drain.drain(dead, drain_end).await });
        }
        work
    }
}

async fn open(broker: &Broker, connection: &Connection, consumer: Arc<dyn Consumer>) -> Result<Opened, Failure> {
    let name = consumer.subscription().consumer;
    let deliveries = consume(connection, broker.topology.queue(name), PREFETCH).await?;
    let dead = consume(connection, broker.topology.dead_queue(name), DEAD_PREFETCH).await?;
    Ok(Opened { consumer, deliveries, dead })
}

async fn consume(connection: &Connection, queue: ShortString, prefetch: u16) -> Result<lapin::Consumer, Failure> {
    let channel = connection.create_channel().await?;
    channel.basic_qos(prefetch, BasicQosOptions::default()).await?;
    let (options, arguments) = (BasicConsumeOptions::default(), FieldTable::default());
    Ok(channel.basic_consume(queue, ShortString::default(), options, arguments).await?)
}
