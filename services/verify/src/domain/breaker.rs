//! When a provider that does not answer is left alone.

use chrono::TimeDelta;
use tessera_common::clock::Timestamp;

/// Failures in a row after which a provider is left alone.
const PATIENCE: u32 = 5;

/// The shortest and the longest time between two tries of a provider that is left alone. With the longest, what has waited is on its way
/// well within a minute after the provider is back.
const PAUSE: (TimeDelta, TimeDelta) = (TimeDelta::seconds(1), TimeDelta::seconds(10));

/// What is known of a provider's health. Messages that are not tried do not fail: they wait.
#[derive(Debug, Default)]
pub struct Breaker {
    failures: u32,
    next_try_at: Option<Timestamp>,
}

impl Breaker {
    /// How many messages may be on their way at once, of `most`: all, or one that tries whether the provider is back, or none.
    #[must_use]
    pub fn room(&self, most: usize, now: Timestamp) -> usize {
        match self.next_try_at {
            None => most,
            Some(at) if at <= now => 1,
            Some(_) => 0,
        }
    }

    /// The provider has answered, whatever it said.
    pub const fn answered(&mut self) {
        self.failures = 0;
        self.next_try_at = None;
    }

    /// The provider did not answer, or said that it takes nothing. Answers whether it is left alone from now on.
    pub fn failed(&mut self, now: Timestamp) -> bool {
        let was_closed = self.next_try_at.is_none();
        self.failures = self.failures.saturating_add(1);
        if self.failures >= PATIENCE {
            let doubled = 1_i32.checked_shl(self.failures - PATIENCE).filter(|factor| *factor > 0);
            let pause = doubled.and_then(|factor| PAUSE.0.checked_mul(factor)).unwrap_or(PAUSE.1).min(PAUSE.1);
            self.next_try_at = Some(now + pause);
        }
        was_closed && self.next_try_at.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn after_five_failures_in_a_row_a_provider_is_tried_with_one_message_at_growing_distances() {
        let mut breaker = Breaker::default();
        for _ in 0..4 {
            assert!(!breaker.failed(NOW));
            assert_eq!(breaker.room(16, NOW), 16);
        }
        for (n, pause) in [1, 2, 4, 8, 10, 10].into_iter().enumerate() {
            assert_eq!(breaker.failed(NOW), n == 0);
            assert_eq!(breaker.room(16, NOW + TimeDelta::seconds(pause) - TimeDelta::microseconds(1)), 0, "{pause}");
            assert_eq!(breaker.room(16, NOW + TimeDelta::seconds(pause)), 1, "{pause}");
        }
        for _ in 0..100 {
            breaker.failed(NOW);
        }
        assert_eq!(breaker.room(16, NOW + TimeDelta::seconds(10)), 1);
    }

    #[test]
    fn an_answer_of_any_kind_ends_it() {
        let mut breaker = Breaker::default();
        for _ in 0..9 {
            breaker.failed(NOW);
        }
        breaker.answered();
        assert_eq!(breaker.room(16, NOW), 16);
        assert!(!breaker.failed(NOW));
        assert_eq!(breaker.room(16, NOW), 16);
    }
}
