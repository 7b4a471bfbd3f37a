//! The only source of *now*.
//!
//! Statements take the time as a parameter, so that every instance of a service, its tests and its database agree on it.
//! With PostgreSQL the clock carries the database's time on with the monotonic clock between measurements; with SQLite it is
//! the machine's. It never goes back, also not over a restart: the storage keeps a high-water mark.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

/// A point in time, UTC, in whole microseconds (PostgreSQL keeps no more).
pub type Timestamp = DateTime<Utc>;

/// Tells the time. Cheap to clone; all clones agree.
#[derive(Clone, Debug)]
pub struct Clock(Arc<Source>);

#[derive(Debug)]
enum Source {
    Running { started: Instant, base: AtomicI64, last: AtomicI64, measured: AtomicI64 },
    Fixed(AtomicI64),
}

impl Clock {
    /// The machine's time, carried on by its monotonic clock, so a step of the machine's clock is not felt.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clocks")]
    pub fn machine() -> Self {
        let now = Utc::now().timestamp_micros();
        Self(Arc::new(Source::Running {
            started: Instant::now(),
            base: AtomicI64::new(now),
            last: AtomicI64::new(now),
            measured: AtomicI64::new(0),
        }))
    }

    /// A clock that stands still until [`Clock::advance`] moves it: for tests.
    #[must_use]
    pub fn fixed(at: Timestamp) -> Self {
        Self(Arc::new(Source::Fixed(AtomicI64::new(at.timestamp_micros()))))
    }

    /// The present time; never earlier than any answer before it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        let micros = match &*self.0 {
            Source::Running { started, base, last, .. } => {
                let carried = base.load(Ordering::Relaxed).saturating_add(micros(started.elapsed()));
                last.fetch_max(carried, Ordering::Relaxed).max(carried)
            }
            Source::Fixed(at) => at.load(Ordering::Relaxed),
        };
        timestamp(micros)
    }

    /// Sets a running clock to a measured time (the database's). Times already told are not taken back.
    pub fn measured(&self, now: Timestamp) {
        if let Source::Running { started, base, measured, .. } = &*self.0 {
            let elapsed = micros(started.elapsed());
            base.store(now.timestamp_micros().saturating_sub(elapsed), Ordering::Relaxed);
            measured.store(elapsed, Ordering::Relaxed);
        }
    }

    /// Whether the last measurement is at most `age` old. A fixed clock always is.
    #[must_use]
    pub fn measured_within(&self, age: Duration) -> bool {
        match &*self.0 {
            Source::Running { started, measured, .. } => {
                micros(started.elapsed()).saturating_sub(measured.load(Ordering::Relaxed)) <= micros(age)
            }
            Source::Fixed(_) => true,
        }
    }

    /// From here on no answer is earlier than `mark`, the latest time an earlier run has stored.
    pub fn never_before(&self, mark: Timestamp) {
        match &*self.0 {
            Source::Running { last, .. } => last.fetch_max(mark.timestamp_micros(), Ordering::Relaxed),
            Source::Fixed(at) => at.fetch_max(mark.timestamp_micros(), Ordering::Relaxed),
        };
    }

    /// Moves a fixed clock on. A running one is left alone.
    pub fn advance(&self, by: TimeDelta) {
        if let Source::Fixed(at) = &*self.0 {
            at.fetch_add(by.num_microseconds().unwrap_or(i64::MAX), Ordering::Relaxed);
        }
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

fn timestamp(micros: i64) -> Timestamp {
    DateTime::from_timestamp_micros(micros).unwrap_or(DateTime::<Utc>::MAX_UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measurement_in_the_past_does_not_take_time_back() {
        let clock = Clock::machine();
        let told = clock.now();
        clock.measured(told - TimeDelta::hours(1));
        assert!(clock.now() >= told);
    }

    #[test]
    fn the_mark_of_an_earlier_run_is_a_floor() {
        let clock = Clock::machine();
        let mark = clock.now() + TimeDelta::hours(1);
        clock.never_before(mark);
        assert!(clock.now() >= mark);
    }

    #[test]
    fn a_fixed_clock_moves_only_when_told() {
        let clock = Clock::fixed(timestamp(1_000_000));
        assert_eq!(clock.now(), clock.now());
        clock.advance(TimeDelta::seconds(2));
        assert_eq!(clock.now(), timestamp(3_000_000));
    }
}
