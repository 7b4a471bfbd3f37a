//! The messages of one channel on their way to its provider. What one provider does not answer holds up nothing of another's.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::TimeDelta;
use tokio::task::JoinSet;

use super::deliver::deliver;
use super::tally;
use crate::domain::breaker::Breaker;
use crate::domain::message::Channel;
use crate::store::delivery_rows;
use crate::verify::Verify;

/// Messages of one channel that are on their way at once.
const AT_ONCE: usize = 16;

/// How long a claimed message is left to its claimer: longer than any sender tries.
const CLAIM: TimeDelta = TimeDelta::seconds(30);

/// What is known of each provider.
#[derive(Debug, Default)]
pub struct Breakers {
    email: Mutex<Breaker>,
    sms: Mutex<Breaker>,
}

impl Breakers {
    /// That of a channel's provider.
    pub fn of(&self, channel: Channel) -> MutexGuard<'_, Breaker> {
        let breaker = match channel {
            Channel::Email => &self.email,
            Channel::Sms => &self.sms,
        };
        breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Messages of one channel that are being sent.
#[derive(Debug)]
pub struct Lane {
    verify: Verify,
    channel: Channel,
    under_way: JoinSet<sqlx::Result<bool>>,
}

impl Lane {
    /// One on which nothing moves yet.
    pub fn new(verify: Verify, channel: Channel) -> Self {
        // From the first look on there is a number to compare later ones with.
        tally::expired(channel, 0);
        Self { verify, channel, under_way: JoinSet::new() }
    }

    /// Whether something is being sent.
    pub fn is_busy(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// Claims as many due messages as there is room for, and begins to send them; answers how many. One whose code is worth nothing any
    /// more ends here, and takes nobody's place.
    pub async fn fill(&mut self) -> sqlx::Result<usize> {
        let now = self.verify.clock.now();
        let room = self.verify.breakers.of(self.channel).room(AT_ONCE, now).saturating_sub(self.under_way.len());
        let mut begun = 0;
        while begun < room {
            let db = &self.verify.db;
            let due = delivery_rows::due(&mut db.read().await?, self.channel, now, room - begun).await?;
            let (before, mut ended) = (begun, 0);
            for due in due {
                // Each alone: replicas that end many at once would wait for each other in a circle.
                let claimed = delivery_rows::claim(&mut db.write().await?, due, now, now + CLAIM).await?;
                match claimed {
                    Some(claimed) => {
                        let verify = self.verify.clone();
                        self.under_way.spawn(async move { deliver(&verify, claimed).await });
                        begun += 1;
                    }
                    None => ended += delivery_rows::expire(&mut db.write().await?, due, now).await?,
                }
            }
            if ended > 0 {
                tally::expired(self.channel, ended);
                tracing::warn!(channel = self.channel.name(), number = ended, "delivery.expired");
            }
            // What is still due then is another's.
            if begun == before && ended == 0 {
                break;
            }
        }
        Ok(begun)
    }

    /// Waits for the next message that is dealt with, and answers whether it was taken; `None` if nothing is being sent.
    pub async fn next(&mut self) -> Option<sqlx::Result<bool>> {
        let dealt_with = self.under_way.join_next().await?;
        Some(dealt_with.unwrap_or_else(|error| Err(sqlx::Error::AnyDriverError(Box::new(error)))))
    }

    /// Sends every message that is due, once, and answers how many were taken.
    pub async fn drain(mut self) -> sqlx::Result<usize> {
        let mut taken = 0;
        loop {
            let begun = self.fill().await?;
            match self.next().await {
                Some(outcome) => taken += usize::from(outcome?),
                None if begun == 0 => return Ok(taken),
                None => {}
            }
        }
    }
}
