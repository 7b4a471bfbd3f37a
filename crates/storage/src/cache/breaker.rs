//! When to stop asking somebody who does not answer.

use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row after which nobody is asked.
const FAILURES: u32 = 5;

/// How long nobody is asked; then one call tries.
const PAUSE: Duration = Duration::from_secs(1);

/// Counts failures in a row. Open after the fifth: calls fail at once, but for one a second that tries.
#[derive(Debug)]
pub(super) struct Breaker {
    failures: u32,
    next_try: Instant,
}

impl Breaker {
    /// A closed one.
    pub(super) fn new(now: Instant) -> Self {
        Self { failures: 0, next_try: now }
    }

    /// Whether this call may be made.
    pub(super) fn admits(&mut self, now: Instant) -> bool {
        if self.failures < FAILURES {
            return true;
        }
        let is_the_try = now >= self.next_try;
        if is_the_try {
            self.next_try = now + PAUSE;
        }
        is_the_try
    }

    /// A call was answered. Whether this closed the breaker.
    pub(super) fn succeeded(&mut self) -> bool {
        std::mem::take(&mut self.failures) >= FAILURES
    }

    /// A call failed. Whether this opened the breaker.
    pub(super) fn failed(&mut self, now: Instant) -> bool {
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES {
            self.next_try = now + PAUSE;
        }
        self.failures == FAILURES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fifth_failure_in_a_row_opens_it() {
        let now = Instant::now();
        let mut breaker = Breaker::new(now);
        for _ in 1..FAILURES {
            assert!(!breaker.failed(now));
        }
        assert!(!breaker.succeeded());
        for _ in 1..FAILURES {
            assert!(!breaker.failed(now) && breaker.admits(now));
        }
        assert!(breaker.failed(now));
        assert!(!breaker.admits(now));
    }

    #[test]
    fn after_the_pause_one_call_tries_and_its_success_closes_it() {
        let now = Instant::now();
        let mut breaker = Breaker::new(now);
        for _ in 0..FAILURES {
            breaker.failed(now);
        }
        let later = now + PAUSE;
        assert!(breaker.admits(later) && !breaker.admits(later));
        assert!(!breaker.failed(later), "it was open already");
        assert!(!breaker.admits(later));
        assert!(breaker.admits(later + PAUSE));
        assert!(breaker.succeeded());
        assert!(breaker.admits(later) && breaker.admits(later));
    }
}
