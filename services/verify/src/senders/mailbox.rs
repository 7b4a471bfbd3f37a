//! The dev mailbox: keeps what would be sent, for a developer to read.

use std::sync::Arc;
use std::time::Duration;

use tessera_common::clock::Clock;
use tessera_contracts::email_address::EmailAddress;
use tessera_storage::Db;
use tokio::sync::Notify;

use super::{Letter, SendError};
use crate::store::dev_message_rows::{self, DevMessage, Filter};

/// Another process may have caught a message, of which no wake-up comes: so somebody who waits looks this often.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The mailbox. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Mailbox {
    db: Db,
    clock: Clock,
    caught: Arc<Notify>,
}

impl Mailbox {
    /// A mailbox in verify's own database.
    #[must_use]
    pub fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock, caught: Arc::default() }
    }

    pub(super) async fn catch(&self, letter: Letter) -> Result<(), SendError> {
        self.keep(letter).await.map_err(|_| SendError::Deferred("the mailbox cannot be written to".to_owned()))?;
        self.caught.notify_waiters();
        Ok(())
    }

    async fn keep(&self, letter: Letter) -> sqlx::Result<()> {
        let message = DevMessage {
            id: letter.id,
            channel: letter.channel.name().to_owned(),
            recipient: recipient(&letter.destination),
            destination: letter.destination,
            sender: letter.message.sender.shown(),
            subject: letter.message.subject,
            body: letter.message.body,
            created_at: self.clock.now(),
        };
        let mut tx = self.db.begin().await?;
        dev_message_rows::insert(&mut tx, message).await?;
        tx.commit().await
    }

    /// The newest messages of a filter, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn newest(&self, filter: &Filter, limit: i64) -> sqlx::Result<Vec<DevMessage>> {
        dev_message_rows::newest(&mut self.db.read().await?, filter, limit).await
    }

    /// The same, but waits up to `patience` for the first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn wait(&self, filter: &Filter, limit: i64, patience: Duration) -> sqlx::Result<Vec<DevMessage>> {
        if patience.is_zero() {
            return self.newest(filter, limit).await;
        }
        let look = async {
            loop {
                let caught = self.caught.notified();
                let found = self.newest(filter, limit).await?;
                if !found.is_empty() {
                    return Ok(found);
                }
                let _ = tokio::time::timeout(LOOK_EVERY, caught).await;
            }
        };
        tokio::time::timeout(patience, look).await.unwrap_or_else(|_| Ok(Vec::new()))
    }
}

/// The form under which messages to a destination are found: canonical for an address, as it is for a number.
pub fn recipient(destination: &str) -> String {
    EmailAddress::parse(destination).map_or_else(|| destination.to_owned(), |address| address.canonical().to_owned())
}
