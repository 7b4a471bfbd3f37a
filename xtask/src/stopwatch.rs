//! Elapsed time for people: the one place of this crate that reads the monotonic clock.

use std::time::{Duration, Instant};

/// Runs from its creation.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch {
    started: Instant,
}

impl Stopwatch {
    /// Starts one.
    #[expect(clippy::disallowed_methods, reason = "measures how long a suite took, decides nothing")]
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }

    /// The time since its start.
    pub fn elapsed(self) -> Duration {
        self.started.elapsed()
    }

    /// The time since its start as `minutes:seconds`.
    pub fn display(self) -> String {
        let seconds = self.elapsed().as_secs();
        format!("{}:{:02}", seconds / 60, seconds % 60)
    }
}
