//! Keeps a connection: makes it, and makes it again whenever it ends, until told to stop.

use std::time::Duration;

use tessera_common::random::Random;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::connection::Failure;
use super::status::{Line, LinkState};

/// The first pause after a failure; each further one is twice as long.
const FIRST_PAUSE_MS: u32 = 100;

/// The longest: a broker that is back is found again within this time.
const LONGEST_PAUSE_MS: u32 = 5_000;

/// Runs `session` over and over. It ends with `Ok` only when it was told to stop; whatever else ends it, all of it is begun anew.
pub(super) async fn supervise<F>(line: &Line, random: &Random, mut stop: watch::Receiver<bool>, session: impl Fn() -> F)
where
    F: Future<Output = Result<(), Failure>>,
{
    let mut failures: u32 = 0;
    while !*stop.borrow() {
        let begun = Instant::now();
        let ended = session().await;
        line.is(LinkState::Down);
        let Err(error) = ended else { return };
        // One that lived for a while was sound.
        let lived = begun.elapsed() > Duration::from_millis(2 * u64::from(LONGEST_PAUSE_MS));
        failures = if lived { 1 } else { failures.saturating_add(1) };
        tracing::warn!(connection = line.name(), %error, failures, "RabbitMQ is not reached");
        tokio::select! {
            () = sleep(pause(failures, random)) => {}
            () = stopped(&mut stop) => return,
        }
    }
}

/// Resolves when `stop` is true or its sender is gone.
pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // An error is the gone sender.
    drop(stop.wait_for(|stop| *stop).await);
}

/// Between half and all of the pause that is due: not all instances come back at the same moment.
fn pause(failures: u32, random: &Random) -> Duration {
    let doubled = FIRST_PAUSE_MS.saturating_mul(1_u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
    let half = doubled.min(LONGEST_PAUSE_MS) / 2;
    Duration::from_millis((half + random.below(half + 1)).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_five_seconds_and_differ() {
        let random = Random::seeded(1);
        for (failures, longest) in [(1, 100), (2, 200), (6, 3200), (7, 5000), (33, 5000), (u32::MAX, 5000)] {
            let drawn: Vec<_> = (0..50).map(|_| pause(failures, &random).as_millis()).collect();
            assert!(drawn.iter().all(|ms| (longest / 2..=longest).contains(ms)), "{failures}: {drawn:?}");
            assert!(drawn.windows(2).any(|two| two[0] != two[1]));
        }
    }
}
