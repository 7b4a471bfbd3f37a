//! What metrics and alarms read.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tessera_common::clock::{Clock, Timestamp};
use tokio::sync::watch;

/// How the broker is reached now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RabbitMqStatus {
    /// The connection that publishes.
    pub publishing: Link,
    /// The connection that consumes.
    pub consuming: Link,
    /// Since when the broker owes a confirm: nothing was confirmed since, and something was to be. More than half a minute of
    /// it is an alarm.
    pub unconfirmed_since: Option<Timestamp>,
}

/// One connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// How it is.
    pub state: LinkState,
    /// Since when.
    pub since: Timestamp,
}

/// How a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// There is none, or it is being made.
    Down,
    /// The broker takes no messages: it is short of memory or disk.
    Blocked,
    /// It works.
    Up,
}

/// Remembers how a connection is, and tells when it can be used.
#[derive(Debug)]
pub(super) struct Line {
    name: &'static str,
    clock: Clock,
    link: Mutex<Link>,
    up: watch::Sender<bool>,
}

impl Line {
    pub(super) fn new(name: &'static str, clock: Clock) -> Self {
        let link = Link { state: LinkState::Down, since: clock.now() };
        Self { name, clock, link: Mutex::new(link), up: watch::Sender::new(false) }
    }

    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) fn link(&self) -> Link {
        *self.lock()
    }

    /// Whether it works, and a notice whenever that changes.
    pub(super) fn up(&self) -> watch::Receiver<bool> {
        self.up.subscribe()
    }

    pub(super) fn is(&self, state: LinkState) {
        let mut link = self.lock();
        if link.state == state {
            return;
        }
        *link = Link { state, since: self.clock.now() };
        drop(link);
        let connection = self.name;
        match state {
            LinkState::Down => {}
            LinkState::Blocked => {
                tracing::warn!(connection, "RabbitMQ takes no messages: it is short of memory or disk")
            }
            LinkState::Up => tracing::info!(connection, "RabbitMQ is reached"),
        }
        self.up.send_replace(state == LinkState::Up);
    }

    fn lock(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
