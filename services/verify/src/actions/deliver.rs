//! Sending what is queued.

use chrono::TimeDelta;
use tessera_common::clock::Timestamp;
use tessera_common::telemetry;
use tokio::task::JoinSet;
use tracing::Instrument as _;

use super::queue::place;
use crate::domain::message::{Channel, Message};
use crate::senders::{Letter, SendError};
use crate::store::delivery_rows::{self, Claimed, Due, Settled};
use crate::verify::Verify;

/// Messages that are sent at once.
const AT_ONCE: i64 = 16;

/// How long a claimed message is left to its claimer: longer than any sender tries.
const CLAIM: TimeDelta = TimeDelta::seconds(30);

/// Sends every due message once, and answers how many were taken. A code that is worth nothing any more is not sent.
pub async fn deliver_due(verify: &Verify) -> sqlx::Result<usize> {
    let mut taken = 0;
    loop {
        let now = verify.clock.now();
        delivery_rows::expire(&mut verify.db.write().await?, now).await?;
        let due = delivery_rows::due(&mut verify.db.read().await?, now, AT_ONCE).await?;
        let last = due.len() < usize::try_from(AT_ONCE).unwrap_or(usize::MAX);
        let mut attempts = JoinSet::new();
        for due in due {
            let verify = verify.clone();
            attempts.spawn(async move { deliver(&verify, due).await });
        }
        for outcome in attempts.join_all().await {
            taken += usize::from(outcome?);
        }
        if last {
            return Ok(taken);
        }
    }
}

async fn deliver(verify: &Verify, due: Due) -> sqlx::Result<bool> {
    let now = verify.clock.now();
    let claimed = delivery_rows::claim(&mut verify.db.write().await?, due, now, now + CLAIM).await?;
    let Some(claimed) = claimed else { return Ok(false) };
    let span = tracing::info_span!("verify.deliver", delivery.id = %claimed.id, tries = claimed.tries);
    telemetry::follow(&span, claimed.trace.as_deref());
    send(verify, claimed).instrument(span).await
}

/// Sends a claimed message, in the trace that queued it, and settles or postpones it; whether it was taken.
async fn send(verify: &Verify, claimed: Claimed) -> sqlx::Result<bool> {
    let Some(letter) = open(verify, &claimed) else {
        tracing::error!(delivery.id = %claimed.id, "a queued message does not open: its key has left the ring, or it was changed");
        delivery_rows::settle(&mut verify.db.write().await?, &claimed, Settled::Failed).await?;
        return Ok(false);
    };
    match verify.senders.send(letter).await {
        Ok(()) => {
            delivery_rows::settle(&mut verify.db.write().await?, &claimed, Settled::Sent).await?;
            Ok(true)
        }
        Err(error @ SendError::Permanent(_)) => {
            tracing::warn!(delivery.id = %claimed.id, tries = claimed.tries, %error, "a message is given up");
            delivery_rows::settle(&mut verify.db.write().await?, &claimed, Settled::Failed).await?;
            Ok(false)
        }
        Err(error @ SendError::Temporary(_)) => {
            tracing::warn!(delivery.id = %claimed.id, tries = claimed.tries, %error, "a message waits for its next try");
            let next = next_try_at(verify.clock.now(), claimed.tries);
            delivery_rows::postpone(&mut verify.db.write().await?, &claimed, next).await?;
            Ok(false)
        }
    }
}

fn open(verify: &Verify, claimed: &Claimed) -> Option<Letter> {
    let place = place(&claimed.id.to_string(), &claimed.verification.to_string());
    let opened = verify.sealer.open(&place.each_ref().map(String::as_str), &claimed.sealed).ok()?;
    let message: Message = serde_json::from_slice(&opened).ok()?;
    let channel = Channel::named(&claimed.channel)?;
    Some(Letter { id: claimed.id, channel, destination: claimed.destination.clone(), message })
}

/// After 2, 4, 8 … seconds, at most 5 minutes apart.
fn next_try_at(now: Timestamp, tries: i64) -> Timestamp {
    let seconds = u32::try_from(tries).ok().and_then(|tries| 2_i64.checked_pow(tries)).unwrap_or(i64::MAX);
    now + TimeDelta::seconds(seconds.min(300))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_come_at_growing_distances_up_to_five_minutes() {
        let now = Timestamp::UNIX_EPOCH;
        let seconds = [1, 2, 3, 8, 9, 63, i64::MAX].map(|tries| (next_try_at(now, tries) - now).num_seconds());
        assert_eq!(seconds, [2, 4, 8, 256, 300, 300, 300]);
    }
}
