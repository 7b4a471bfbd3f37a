//! Keeps what a consumer could not take, in the database of its service.

use std::time::Duration;

use tessera_common::clock::Clock;
use tessera_common::random::Random;
use tessera_storage::Db;

use super::message::Arrived;
use crate::bus::DeadLetter;
use crate::consumer::shortened;
use crate::dead_letters;
use crate::envelope::Envelope;

/// How long to wait for a database that could not keep a letter.
pub(super) const DATABASE_PAUSE: Duration = Duration::from_secs(1);

/// Writes dead letters.
pub(super) struct Keeper {
    pub(super) db: Db,
    pub(super) clock: Clock,
    pub(super) random: Random,
}

impl Keeper {
    /// Keeps one letter; answers whether it is kept. A failure has been logged.
    pub(super) async fn keep(&self, envelope: &Envelope, consumer: &'static str, reason: &str) -> bool {
        let letter = DeadLetter { consumer, reason: shortened(reason) };
        let kept = async {
            let mut tx = self.db.begin().await?;
            dead_letters::keep(&mut tx, envelope, &letter, self.clock.now()).await?;
            tx.commit().await
        };
        match kept.await {
            Ok(()) => {
                let reason = letter.reason;
                tracing::warn!(consumer, event.id = %envelope.id, event.r#type = envelope.event_type, reason, "a message is given up");
                true
            }
            Err(error) => {
                tracing::warn!(consumer, event.id = %envelope.id, %error, "a dead letter cannot be kept");
                false
            }
        }
    }

    /// What can be read of a message that is not an envelope.
    pub(super) fn salvaged(&self, arrived: &Arrived) -> Envelope {
        arrived.salvaged(self.clock.now(), &self.random)
    }

    /// Drops a letter whose message took effect after all. One that stays does no harm: the inbox knows its message.
    pub(super) async fn drop_letter(&self, envelope: &Envelope, consumer: &'static str) {
        if let Err(error) = dead_letters::remove(&self.db, envelope.id, consumer).await {
            tracing::warn!(consumer, event.id = %envelope.id, %error, "a dead letter cannot be dropped");
        }
    }
}
