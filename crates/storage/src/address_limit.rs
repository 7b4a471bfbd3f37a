//! Limits by address. They may be lost; limits that must not be are rows.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use redis::Script;
use tessera_common::dialect::{Accident, Limited};
use tessera_common::server::Caller;

use crate::cache::{Cache, Redis};

/// Checks between two sweeps of addresses that were not seen for a whole window.
const SWEEP_EVERY: u32 = 10_000;

/// Counts as [`Local`] does.
static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("address_limit.lua")));

/// So many requests per address and window, of all replicas together.
#[derive(Debug)]
pub struct AddressLimit {
    name: &'static str,
    quota: NonZeroU32,
    window: Duration,
    local: Local,
    shared: Option<Redis>,
}

impl AddressLimit {
    /// At most `quota` requests in `window`, all at once or spread. `name` is `<context>.<what>`, one for each limit.
    #[must_use]
    pub fn new(cache: &Cache, name: &'static str, quota: NonZeroU32, window: Duration) -> Self {
        let (shared, own) = match cache {
            Cache::Memory => (None, quota),
            Cache::Redis(redis) => {
                let part = NonZeroU32::new(quota.get() / redis.instances().get());
                (Some(redis.clone()), part.unwrap_or(NonZeroU32::MIN))
            }
        };
        Self { name, quota, window, local: Local::new(own, window), shared }
    }

    /// Counts one request of `caller`. While Redis is away each replica allows its part of the quota.
    ///
    /// # Errors
    /// [`Accident::RateLimited`] when its window is used up.
    pub async fn count(&self, caller: &Caller) -> Result<(), Accident> {
        let address = caller.counted_as();
        // Also while Redis counts: when it goes away, this replica knows what it has allowed.
        let here = self.local.count(address);
        let wait = match &self.shared {
            Some(redis) => self.count_in(redis, address).await.unwrap_or(here),
            None => here,
        };
        let seconds = |duration: Duration| u32::try_from(duration.as_secs()).unwrap_or(u32::MAX);
        match wait {
            None => Ok(()),
            Some(wait) => Err(Accident::RateLimited(Limited {
                retry_after: seconds(wait).saturating_add(1),
                quota: self.quota.get(),
                window: seconds(self.window),
            })),
        }
    }

    /// The time to wait if the quota is used up; an outer `None` when Redis is away.
    async fn count_in(&self, redis: &Redis, address: IpAddr) -> Option<Option<Duration>> {
        let period = earned_in(self.window, self.quota).as_micros().max(1);
        let mut script = SCRIPT.key(redis.key(format_args!("limits:{}:{address}", self.name)));
        script.arg(period.to_string()).arg(self.quota.get());
        let wait = redis.invoke(&script).await.ok()?;
        Some((wait > 0).then(|| Duration::from_micros(wait)))
    }
}

/// How long one request takes to be earned back.
fn earned_in(window: Duration, quota: NonZeroU32) -> Duration {
    window.checked_div(quota.get()).unwrap_or_default()
}

/// The count of this process.
#[derive(Debug)]
struct Local {
    limiter: DefaultKeyedRateLimiter<IpAddr>,
    checks: AtomicU32,
}

impl Local {
    fn new(quota: NonZeroU32, window: Duration) -> Self {
        let period = earned_in(window, quota).max(Duration::from_nanos(1));
        let allowed = Quota::with_period(period).unwrap_or(Quota::per_second(quota)).allow_burst(quota);
        Self { limiter: RateLimiter::keyed(allowed), checks: AtomicU32::new(0) }
    }

    /// Counts one request, or answers the time to wait.
    fn count(&self, address: IpAddr) -> Option<Duration> {
        if self.checks.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.limiter.retain_recent();
        }
        let refused = self.limiter.check_key(&address).err()?;
        Some(refused.wait_time_from(DefaultClock::default().now()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_quota_is_per_address() {
        let quota = NonZeroU32::new(2).expect("two");
        let limit = AddressLimit::new(&Cache::Memory, "test.requests", quota, Duration::from_secs(3600));
        let caller = |last| Caller { address: IpAddr::from([127, 0, 0, last]), user_agent: None };
        assert!(limit.count(&caller(1)).await.is_ok());
        assert!(limit.count(&caller(1)).await.is_ok());
        assert!(matches!(limit.count(&caller(1)).await, Err(Accident::RateLimited(Limited { quota: 2, .. }))));
        assert!(limit.count(&caller(2)).await.is_ok());
    }
}
