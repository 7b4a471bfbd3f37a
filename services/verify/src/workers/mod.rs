//! Loops with a stop signal.

use std::time::Duration;

use tessera_messaging::backlog::MEASURE_EVERY;
use tokio::sync::watch;

use crate::actions;
use crate::actions::lane::Lane;
use crate::domain::message::Channel;
use crate::verify::Verify;

/// A wake-up can be lost, and a message may have to be repeated; so the queue is looked at by itself this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often what has ended is deleted.
const SWEEP_EVERY: Duration = Duration::from_secs(600);

/// Sends what is due by one channel, as soon as it was committed and whenever it is to be repeated. At the end it waits for what is
/// under way: nobody knows otherwise whether it was taken.
pub async fn deliver(verify: Verify, channel: Channel, mut stop: watch::Receiver<bool>) {
    let mut queued = verify.queued.subscribe();
    let mut lane = Lane::new(verify, channel);
    while !*stop.borrow() {
        match lane.fill().await {
            // What waits behind them is looked at now.
            Ok(filled) if filled.ended > 0 => continue,
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "the queue of messages cannot be read"),
        }
        tokio::select! {
            Some(outcome) = lane.next(), if lane.is_busy() => tell(outcome),
            // Its sender lives as long as the context, which is this lane's too.
            Ok(()) = queued.changed() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
            stopped = stop.changed() => if stopped.is_err() { break },
        }
    }
    while let Some(outcome) = lane.next().await {
        tell(outcome);
    }
}

fn tell(outcome: sqlx::Result<bool>) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "what became of a message cannot be written down; it is tried again");
    }
}

/// Measures how many messages wait, and since when.
pub async fn measure(verify: Verify, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = actions::measure::measure(&verify).await {
            tracing::warn!(%error, "the messages that wait cannot be counted; the numbers are old");
        }
        tokio::select! {
            () = tokio::time::sleep(MEASURE_EVERY) => {}
            stopped = stop.changed() => if stopped.is_err() { break },
        }
    }
}

/// Deletes what has ended.
pub async fn sweep(verify: Verify, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = verify.sweep().await {
            tracing::warn!(%error, "ended verifications cannot be deleted");
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP_EVERY) => {}
            stopped = stop.changed() => if stopped.is_err() { break },
        }
    }
}
