//! The connection that publishes.

use std::pin::pin;
use std::slice::from_ref;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use futures::StreamExt as _;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::{Channel, Confirmation, Connection, Event};
use tessera_common::clock::{Clock, Timestamp};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, interval_at, timeout};

use super::Broker;
use super::connection::{Failure, close, lost, set_up};
use super::message;
use super::status::{Line, LinkState};
use super::supervisor::stopped;
use crate::bus::{Confirmed, PublishError};
use crate::envelope::Envelope;

/// How long a confirm may take; later it no longer counts.
const CONFIRM_TIME: Duration = Duration::from_secs(5);

/// Between two declarations: a queue or binding that somebody deleted is back within this time.
const DECLARED_AGAIN: Duration = Duration::from_secs(10);

/// Publishes with confirms, as long as there is a connection.
pub(super) struct Publisher {
    line: Line,
    clock: Clock,
    /// There while the connection is.
    channel: RwLock<Option<Channel>>,
    /// A message came back: some queue or binding is missing.
    returned: Notify,
    unconfirmed_since: Mutex<Option<Timestamp>>,
}

impl Publisher {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            line: Line::new("publishing", clock.clone()),
            clock,
            channel: RwLock::default(),
            returned: Notify::new(),
            unconfirmed_since: Mutex::default(),
        }
    }

    pub(super) const fn line(&self) -> &Line {
        &self.line
    }

    pub(super) fn unconfirmed_since(&self) -> Option<Timestamp> {
        *self.owed()
    }

    /// Publishes one message and waits for its confirm; others may be under way.
    pub(super) async fn publish(&self, broker: &Broker, envelope: &Envelope) -> Result<Confirmed, PublishError> {
        self.owed().get_or_insert_with(|| self.clock.now());
        let outcome = self.attempt(broker, envelope).await;
        match outcome {
            Ok(()) => *self.owed() = None,
            Err(_) => drop(self.owed().get_or_insert_with(|| self.clock.now())),
        }
        outcome.map(|()| Confirmed::default()).map_err(PublishError::Unavailable)
    }

    async fn attempt(&self, broker: &Broker, envelope: &Envelope) -> Result<(), String> {
        if !*self.line.up().borrow() {
            return Err("RabbitMQ is not reached".to_owned());
        }
        let channel = self.channel.read().unwrap_or_else(PoisonError::into_inner).clone();
        let channel = channel.ok_or("RabbitMQ is not reached")?;
        let sent = timeout(CONFIRM_TIME, send(&channel, broker, envelope)).await;
        match sent {
            Ok(Ok(Confirmation::Ack(None))) => Ok(()),
            Ok(Ok(Confirmation::Ack(Some(_)) | Confirmation::Nack(Some(_)))) => {
                self.returned.notify_one();
                tracing::warn!(event.id = %envelope.id, event.r#type = envelope.event_type, "no queue took an event");
                Err("no queue took it".to_owned())
            }
            Ok(Ok(Confirmation::Nack(None) | Confirmation::NotRequested)) => Err("a queue refused it".to_owned()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no confirm in time".to_owned()),
        }
    }

    /// Connects, declares and serves until something fails or `stop` is true.
    pub(super) async fn session(&self, broker: &Broker, mut stop: watch::Receiver<bool>) -> Result<(), Failure> {
        let connection = broker.connect(&self.line).await?;
        let events = pin!(connection.events_listener());
        let setting_up = async {
            let channel = connection.create_channel().await?;
            channel.confirm_select(ConfirmSelectOptions::default()).await?;
            broker.declare(&connection).await?;
            Ok(channel)
        };
        let channel = set_up(&connection, setting_up).await?;
        *self.channel.write().unwrap_or_else(PoisonError::into_inner) = Some(channel.clone());
        self.line.is(LinkState::Up);
        let ended = tokio::select! {
            ended = self.serve(broker, &connection, events) => ended,
            failure = lost(&connection, from_ref(&channel)) => Err(failure),
            () = stopped(&mut stop) => Ok(()),
        };
        self.line.is(LinkState::Down);
        *self.channel.write().unwrap_or_else(PoisonError::into_inner) = None;
        close(&connection).await;
        ended
    }

    async fn serve(
        &self,
        broker: &Broker,
        connection: &Connection,
        mut events: impl futures::Stream<Item = Event> + Unpin,
    ) -> Result<(), Failure> {
        let mut due = interval_at(Instant::now() + DECLARED_AGAIN, DECLARED_AGAIN);
        loop {
            let declare = tokio::select! {
                event = events.next() => {
                    match event {
                        Some(Event::ConnectionBlocked(_)) => self.line.is(LinkState::Blocked),
                        Some(Event::ConnectionUnblocked) => self.line.is(LinkState::Up),
                        Some(Event::Error(error)) => return Err(error.into()),
                        Some(_) => {}
                        None => return Err(Failure::Lost),
                    }
                    false
                }
                () = self.returned.notified() => true,
                _ = due.tick() => true,
            };
            // A blocked connection sends nothing at all: a declaration would wait for ever.
            if declare
                && !connection.status().blocked()
                && let Err(error) = broker.declare(connection).await
                && !connection.status().blocked()
            {
                return Err(error);
            }
        }
    }

    fn owed(&self) -> MutexGuard<'_, Option<Timestamp>> {
        self.unconfirmed_since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn send(channel: &Channel, broker: &Broker, envelope: &Envelope) -> lapin::Result<Confirmation> {
    // Without it an event that no queue takes is confirmed all the same. One that no consumer wants is not expected to be taken.
    let mandatory = broker.topology.wants(&envelope.event_type);
    let options = BasicPublishOptions { mandatory, ..Default::default() };
    let (exchange, key) = (broker.topology.events(), envelope.event_type.as_str().into());
    channel.basic_publish(exchange, key, options, &envelope.body, message::properties(envelope)).await?.await
}
