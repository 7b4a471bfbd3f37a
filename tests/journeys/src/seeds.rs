//! Seeds of random tests: the same seed does the same again.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

/// How many seeds to run.
const SEEDS: &str = "TESSERA_FAULT_SEEDS";
/// One seed to run alone.
const SEED: &str = "TESSERA_FAULT_SEED";
/// How many seconds a fault lasts that lasts.
const SECONDS: &str = "TESSERA_FAULT_SECONDS";

/// The seeds that a test is to run: as many as it would, as `TESSERA_FAULT_SEEDS` says, or the one that `TESSERA_FAULT_SEED` names.
///
/// # Panics
/// When one of the two is not a number.
#[must_use]
pub fn seeds(usual: u64) -> Vec<u64> {
    number(SEED).map_or_else(|| (0..number(SEEDS).unwrap_or(usual)).collect(), |seed| vec![seed])
}

/// How long a fault is to last that lasts: as it usually does, or as many seconds as `TESSERA_FAULT_SECONDS` says.
///
/// # Panics
/// When that is not a number.
#[must_use]
pub fn lasting(usual: Duration) -> Duration {
    number(SECONDS).map_or(usual, Duration::from_secs)
}

fn number(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

/// A seed in use. If the test fails while this is held, it says which it was.
#[derive(Debug)]
pub struct Seed(u64);

impl Seed {
    /// From now on it is this one.
    #[must_use]
    pub const fn hold(seed: u64) -> Self {
        Self(seed)
    }

    /// Its generator.
    #[must_use]
    pub fn random(&self) -> StdRng {
        StdRng::seed_from_u64(self.0)
    }
}

impl Drop for Seed {
    #[expect(clippy::print_stderr, reason = "for whoever reads why a test failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {seed}: {SEED}={seed} runs it alone", seed = self.0);
        }
    }
}

/// What is to happen when: each fault is drawn from `faults`, after a pause of at most `longest`.
///
/// # Panics
/// When there are no faults to draw from.
#[must_use]
pub fn schedule<F: Clone>(random: &mut StdRng, faults: &[F], length: usize, longest: Duration) -> Vec<(Duration, F)> {
    let mut draw = || (longest.mul_f64(random.random()), faults[random.random_range(0..faults.len())].clone());
    std::iter::repeat_with(&mut draw).take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_schedule_and_another_one_another() {
        let of = |seed: u64| schedule(&mut Seed::hold(seed).random(), &['a', 'b', 'c'], 20, Duration::from_secs(3));
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        assert!(of(1).iter().all(|(pause, _)| *pause <= Duration::from_secs(3)));
    }
}
