//! The only source of randomness: handed in, so that tests can repeat a run.

use std::sync::{Arc, Mutex, PoisonError};

use rand::rngs::{StdRng, SysRng};
use rand::{Rng, SeedableRng, TryRng};

/// Draws random bytes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Random(Source);

#[derive(Clone, Debug)]
enum Source {
    System,
    Seeded(Arc<Mutex<StdRng>>),
}

impl Random {
    /// The operating system's generator.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A repeatable stream: for tests only.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Source::Seeded(Arc::new(Mutex::new(StdRng::seed_from_u64(seed)))))
    }

    /// `N` random bytes.
    ///
    /// # Panics
    /// When the operating system has no randomness to give: nothing secure can be done then.
    #[must_use]
    #[expect(clippy::expect_used, reason = "no answer of an identity system is safe without randomness")]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &self.0 {
            Source::System => SysRng.try_fill_bytes(&mut bytes).expect("the operating system gives random bytes"),
            Source::Seeded(rng) => rng.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(&mut bytes),
        }
        bytes
    }

    /// `N` bytes that need not be secret but must not come twice: of ids. From a generator of the thread's own, which the operating
    /// system seeds now and then; asking it each time costs a request more than its logging.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that draws")]
    pub fn unique<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        match &self.0 {
            Source::System => rand::rng().fill_bytes(&mut bytes),
            Source::Seeded(_) => bytes = self.bytes(),
        }
        bytes
    }

    /// A number below `bound`, each equally likely (`bound` 0 answers 0).
    ///
    /// Draws above the largest multiple of `bound` are thrown away: a remainder alone would favour small numbers.
    #[must_use]
    pub fn below(&self, bound: u32) -> u32 {
        if bound < 2 {
            return 0;
        }
        let fair = u32::MAX - u32::MAX % bound;
        loop {
            let drawn = u32::from_le_bytes(self.bytes());
            if drawn < fair {
                return drawn % bound;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_seeds_draw_equal_bytes() {
        assert_eq!(Random::seeded(7).bytes::<16>(), Random::seeded(7).bytes::<16>());
        assert_ne!(Random::seeded(7).bytes::<16>(), Random::seeded(8).bytes::<16>());
    }

    #[test]
    fn bytes_of_ids_differ_and_are_repeatable_when_seeded() {
        assert_ne!(Random::system().unique::<16>(), Random::system().unique::<16>());
        assert_eq!(Random::seeded(7).unique::<16>(), Random::seeded(7).unique::<16>());
    }

    #[test]
    fn every_number_below_the_bound_is_drawn_about_equally_often() {
        let random = Random::seeded(1);
        let mut seen = [0_u32; 10];
        for _ in 0..10_000 {
            let drawn = usize::try_from(random.below(10)).expect("small");
            seen[drawn] += 1;
        }
        assert!(seen.iter().all(|&n| (850..1150).contains(&n)), "{seen:?}");
    }
}
