//! Limits by address. They are kept in memory: what they hold may be lost, limits that must not are rows.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::Caller;
use crate::dialect::{Accident, Limited};

/// Checks between two sweeps of addresses that were not seen for a whole window.
const SWEEP_EVERY: u32 = 10_000;

/// So many requests per address and window.
#[derive(Debug)]
pub struct AddressLimit {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    quota: u32,
    window: Duration,
    checks: AtomicU32,
}

impl AddressLimit {
    /// At most `quota` requests in `window`, all at once or spread.
    #[must_use]
    pub fn new(quota: NonZeroU32, window: Duration) -> Self {
        let one_every = window.checked_div(quota.get()).filter(|period| !period.is_zero());
        let allowed = Quota::with_period(one_every.unwrap_or(Duration::from_nanos(1)));
        let limiter = RateLimiter::keyed(allowed.unwrap_or(Quota::per_second(quota)).allow_burst(quota));
        Self { limiter, quota: quota.get(), window, checks: AtomicU32::new(0) }
    }

    /// Counts one request of `caller`.
    ///
    /// # Errors
    /// [`Accident::RateLimited`] when its window is used up.
    pub fn count(&self, caller: &Caller) -> Result<(), Accident> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.limiter.retain_recent();
        }
        self.limiter.check_key(&caller.counted_as()).map_err(|not_until| {
            let wait = not_until.wait_time_from(DefaultClock::default().now());
            let seconds = |duration: Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
            Accident::RateLimited(Limited {
                retry_after: seconds(wait).saturating_add(1),
                quota: self.quota,
                window: seconds(self.window),
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quota_is_per_address() {
        let limit = AddressLimit::new(NonZeroU32::new(2).expect("two"), Duration::from_secs(3600));
        let caller = |last| Caller { address: IpAddr::from([127, 0, 0, last]), user_agent: None };
        assert!(limit.count(&caller(1)).is_ok());
        assert!(limit.count(&caller(1)).is_ok());
        assert!(matches!(limit.count(&caller(1)), Err(Accident::RateLimited(Limited { quota: 2, .. }))));
        assert!(limit.count(&caller(2)).is_ok());
    }
}
