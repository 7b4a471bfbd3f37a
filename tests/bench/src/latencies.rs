//! How long answers took. Every one is kept: a run is bounded, and percentiles of all are exact.

use std::time::Duration;

use serde::Serialize;

/// Percentiles of a run, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Percentiles {
    /// Half of the answers took at most this.
    pub p50_ms: f64,
    /// 99 of 100.
    pub p99_ms: f64,
    /// 999 of 1000.
    pub p999_ms: f64,
}

/// The times of a run.
#[derive(Debug, Default)]
pub struct Latencies(Vec<Duration>);

impl Latencies {
    /// Notes one.
    pub fn note(&mut self, took: Duration) {
        self.0.push(took);
    }

    /// Adds those of another connection.
    pub fn absorb(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// How many there are.
    pub fn count(&self) -> u64 {
        u64::try_from(self.0.len()).unwrap_or(u64::MAX)
    }

    /// Their percentiles; `None` of none.
    pub fn percentiles(mut self) -> Option<Percentiles> {
        self.0.sort_unstable();
        let at = |per_mille: usize| {
            let rank = (self.0.len() * per_mille).div_ceil(1000).saturating_sub(1);
            self.0.get(rank).map(|took| took.as_secs_f64() * 1000.0)
        };
        Some(Percentiles { p50_ms: at(500)?, p99_ms: at(990)?, p999_ms: at(999)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_by_rank() {
        let mut latencies = Latencies::default();
        for millis in (1..=1000).rev() {
            latencies.note(Duration::from_millis(millis));
        }
        let expected = Percentiles { p50_ms: 500.0, p99_ms: 990.0, p999_ms: 999.0 };
        assert_eq!(latencies.percentiles(), Some(expected));
    }

    #[test]
    fn one_answer_is_every_percentile_and_none_has_none() {
        let mut latencies = Latencies::default();
        latencies.note(Duration::from_millis(7));
        assert_eq!(latencies.percentiles(), Some(Percentiles { p50_ms: 7.0, p99_ms: 7.0, p999_ms: 7.0 }));
        assert_eq!(Latencies::default().percentiles(), None);
    }
}
