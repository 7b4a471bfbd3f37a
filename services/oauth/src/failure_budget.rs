//! How often an address may fail to prove a client. Kept in memory: what it holds may be lost.
//!
//! Counted by address and not by client: a client's id is public, and whoever knows it must not be able to lock the client out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;
use tessera_common::clock::{Clock, Timestamp};
use tessera_common::dialect::Limited;
use tessera_common::server::Caller;

/// Failures that an address may have in a window, before the profile's factor.
const QUOTA: u32 = 30;
/// The window, in seconds.
const WINDOW_S: u32 = 600;
/// Addresses that are kept before those whose window is over are swept out.
const SWEEP_ABOVE: usize = 10_000;

/// Failures by address. An attempt is counted before it is judged, and taken back when it succeeds.
#[derive(Debug)]
pub struct FailureBudget {
    clock: Clock,
    quota: u32,
    windows: Mutex<HashMap<IpAddr, Window>>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    ends: Timestamp,
    failures: u32,
}

impl FailureBudget {
    /// A budget `factor` times the usual.
    #[must_use]
    pub fn new(clock: Clock, factor: u32) -> Self {
        Self { clock, quota: QUOTA.saturating_mul(factor), windows: Mutex::default() }
    }

    /// Counts an attempt of `caller`.
    ///
    /// # Errors
    /// [`Limited`] when its failures are used up.
    pub fn count(&self, caller: &Caller) -> Result<(), Limited> {
        let now = self.clock.now();
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() > SWEEP_ABOVE {
            windows.retain(|_, window| window.ends > now);
        }
        let fresh = Window { ends: now + TimeDelta::seconds(WINDOW_S.into()), failures: 0 };
        let window = windows.entry(caller.counted_as()).or_insert(fresh);
        if window.ends <= now {
            *window = fresh;
        }
        if window.failures >= self.quota {
            let left = (window.ends - now).num_seconds().saturating_add(1);
            return Err(Limited {
                retry_after: u32::try_from(left).unwrap_or(WINDOW_S),
                quota: self.quota,
                window: WINDOW_S,
            });
        }
        window.failures += 1;
        Ok(())
    }

    /// The attempt that was counted succeeded.
    pub fn take_back(&self, caller: &Caller) {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(window) = windows.get_mut(&caller.counted_as()) {
            window.failures = window.failures.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(last: u8) -> Caller {
        Caller { address: IpAddr::from([127, 0, 0, last]), user_agent: None }
    }

    #[test]
    fn failures_are_limited_by_address_and_successes_are_not() {
        let clock = Clock::fixed(Timestamp::UNIX_EPOCH);
        let budget = FailureBudget::new(clock.clone(), 1);
        for _ in 0..QUOTA * 2 {
            assert!(budget.count(&caller(1)).is_ok());
            budget.take_back(&caller(1));
        }
        for _ in 0..QUOTA {
            assert!(budget.count(&caller(1)).is_ok());
        }
        assert_eq!(budget.count(&caller(1)).map_err(|limited| limited.quota), Err(QUOTA));
        assert!(budget.count(&caller(2)).is_ok());
        clock.advance(TimeDelta::seconds(WINDOW_S.into()));
        assert!(budget.count(&caller(1)).is_ok());
    }
}
