//! Sending one message.

use chrono::TimeDelta;
use tessera_common::clock::Timestamp;
use tessera_common::telemetry;
use tessera_contracts::events::DeliveryFailed;
use tracing::Instrument as _;

use super::queue::place;
use crate::domain::message::{Channel, Message};
use crate::events::published;
use crate::senders::{Letter, SendError};
use crate::store::delivery_rows::{self, Claimed};
use crate::store::undeliverable_rows;
use crate::verify::Verify;

/// Tries that a provider does not answer: one, and one more. It may have taken the message both times.
const UNANSWERED: i64 = 2;

/// The longest pause before a message is tried again that its provider puts off, and before one whose provider is away. The second is
/// so short because a provider that comes back is to have all that waits within a minute; how often it is asked while it is away is a
/// matter of its breaker.
const LONGEST_PAUSE: (i64, i64) = (300, 30);

/// Sends a claimed message, in the trace that queued it, and settles or postpones it; whether it was taken.
pub async fn deliver(verify: &Verify, claimed: Claimed) -> sqlx::Result<bool> {
    let span = tracing::info_span!("verify.deliver", delivery.id = %claimed.id, tries = claimed.tries);
    telemetry::follow(&span, claimed.trace.as_deref());
    send(verify, claimed).instrument(span).await
}

async fn send(verify: &Verify, claimed: Claimed) -> sqlx::Result<bool> {
    let Some((channel, letter)) = open(verify, &claimed) else {
        tracing::error!(delivery.id = %claimed.id, "a queued message does not open: its key has left the ring, or it was changed");
        give_up(verify, &claimed, "it does not open".to_owned(), None).await?;
        return Ok(false);
    };
    let outcome = verify.senders.send(letter).await;
    note_health(verify, channel, outcome.as_ref().err());
    let error = match outcome {
        Ok(()) => {
            taken(verify, channel, &claimed).await?;
            return Ok(true);
        }
        Err(error) => error,
    };
    let reason = error.to_string();
    match pause(&error, &claimed) {
        Some(pause) => {
            tracing::warn!(delivery.id = %claimed.id, tries = claimed.tries, error = reason, "a message waits for its next try");
            let lost = matches!(error, SendError::Lost(_));
            let next = verify.clock.now() + pause;
            delivery_rows::postpone(&mut verify.db.write().await?, &claimed, next, lost, reason).await?;
        }
        None => {
            tracing::warn!(delivery.id = %claimed.id, tries = claimed.tries, error = reason, "a message is given up");
            let refused_by = matches!(error, SendError::Refused(_)).then_some(channel);
            give_up(verify, &claimed, reason, refused_by).await?;
        }
    }
    Ok(false)
}

fn open(verify: &Verify, claimed: &Claimed) -> Option<(Channel, Letter)> {
    let place = place(&claimed.id.to_string(), &claimed.verification.to_string());
    let opened = verify.sealer.open(&place.each_ref().map(String::as_str), &claimed.sealed).ok()?;
    let message: Message = serde_json::from_slice(&opened).ok()?;
    let channel = Channel::named(&claimed.channel)?;
    Some((channel, Letter { id: claimed.id, channel, destination: claimed.destination.clone(), message }))
}

/// What an outcome says about the provider, as opposed to the message.
fn note_health(verify: &Verify, channel: Channel, error: Option<&SendError>) {
    let now = verify.clock.now();
    match error {
        Some(SendError::Unavailable(_) | SendError::Lost(_)) => {
            if verify.breakers.of(channel).failed(now) {
                tracing::warn!(
                    channel = channel.name(),
                    "a provider does not answer, and is tried now and then; its messages wait"
                );
            }
        }
        None | Some(SendError::Deferred(_) | SendError::Refused(_)) => verify.breakers.of(channel).answered(),
    }
}

/// How long a message waits for its next try; `None` when there is to be none.
fn pause(error: &SendError, claimed: &Claimed) -> Option<TimeDelta> {
    match error {
        SendError::Unavailable(_) => Some(growing(claimed.tries, LONGEST_PAUSE.1)),
        SendError::Deferred(_) => Some(growing(claimed.tries, LONGEST_PAUSE.0)),
        SendError::Lost(_) if claimed.unanswered + 1 < UNANSWERED => Some(growing(claimed.tries, LONGEST_PAUSE.1)),
        SendError::Lost(_) | SendError::Refused(_) => None,
    }
}

/// 2, 4, 8 … seconds, at most `longest`.
fn growing(tries: i64, longest: i64) -> TimeDelta {
    let seconds = u32::try_from(tries).ok().and_then(|tries| 2_i64.checked_pow(tries)).unwrap_or(i64::MAX);
    TimeDelta::seconds(seconds.min(longest))
}

async fn taken(verify: &Verify, channel: Channel, claimed: &Claimed) -> sqlx::Result<()> {
    let mut tx = verify.db.begin().await?;
    delivery_rows::sent(&mut tx, claimed).await?;
    undeliverable_rows::delete(&mut tx, channel, claimed.recipient.clone()).await?;
    tx.commit().await
}

/// Ends a message that was not taken, and says so to the others. One that was refused for good marks its recipient.
async fn give_up(verify: &Verify, claimed: &Claimed, reason: String, refused_by: Option<Channel>) -> sqlx::Result<()> {
    let now: Timestamp = verify.clock.now();
    let mut tx = verify.db.begin().await?;
    if let Some(failed) = delivery_rows::fail(&mut tx, claimed, &reason).await? {
        let event = DeliveryFailed::new(published::delivery(claimed, failed, &reason), now);
        verify.outbox.emit(&mut tx, now, &verify.random, &event).await?;
        if let Some(channel) = refused_by {
            undeliverable_rows::insert(&mut tx, channel, claimed.recipient.clone(), reason, now).await?;
        }
    }
    tx.commit().await?;
    verify.committed();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_come_at_growing_distances() {
        let seconds = |longest| [1, 2, 3, 8, 9, 63, i64::MAX].map(|tries| growing(tries, longest).num_seconds());
        assert_eq!(seconds(300), [2, 4, 8, 256, 300, 300, 300]);
        assert_eq!(seconds(30), [2, 4, 8, 30, 30, 30, 30]);
    }
}
