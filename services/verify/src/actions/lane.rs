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

/// What came of a look at what is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filled {
    /// Messages that are being sent now.
    pub begun: usize,
    /// Messages that are not sent any more. Others may be due behind them.
    pub ended: u64,
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

    /// Looks once at what is due: claims as many messages as there is room for, and begins to send them. One whose code is worth nothing
    /// any more ends here, and takes nobody's place.
    pub async fn fill(&mut self) -> sqlx::Result<Filled> {
        let (verify, channel) = (&self.verify, self.channel);
        let now = verify.clock.now();
        let room = verify.breakers.of(channel).room(AT_ONCE, now).saturating_sub(self.under_way.len());
        let mut filled = Filled::default();
        if room == 0 {
            return Ok(filled);
        }
        let due = delivery_rows::due(&mut verify.db.read().await?, channel, now, AT_ONCE).await?;
        for due in due {
            if filled.begun == room {
                break;
            }
            // Each alone: replicas that end many at once would wait for each other in a circle.
            let now = verify.clock.now();
            let claimed = delivery_rows::claim(&mut verify.db.write().await?, due, now, now + CLAIM).await?;
            match claimed {
                Some(claimed) => {
                    let verify = verify.clone();
                    self.under_way.spawn(async move { deliver(&verify, claimed).await });
                    filled.begun += 1;
                }
                None => filled.ended += delivery_rows::expire(&mut verify.db.write().await?, due, now).await?,
            }
        }
        if filled.ended > 0 {
            tally::expired(channel, filled.ended);
            tracing::warn!(channel = channel.name(), number = filled.ended, "delivery.expired");
        }
        Ok(filled)
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
            let filled = self.fill().await?;
            match self.next().await {
                Some(outcome) => taken += usize::from(outcome?),
                None if filled == Filled::default() => return Ok(taken),
                None => {}
            }
        }
    }
}
