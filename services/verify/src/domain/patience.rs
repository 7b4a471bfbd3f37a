//! How long a provider of messages is waited for.

use std::time::Duration;

use serde::Deserialize;

/// The most, in milliseconds: a mail takes three steps, which together are less than the claim of a queued message (30 seconds).
const MOST: u64 = 9_000;

/// The longest that a provider may take for one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u64")]
pub struct Patience(Duration);

/// It would be none, or would outlast the claim of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is in milliseconds, from 1 to {MOST}")]
pub struct OutOfRange;

impl Patience {
    /// As a time.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl TryFrom<u64> for Patience {
    type Error = OutOfRange;

    fn try_from(milliseconds: u64) -> Result<Self, OutOfRange> {
        (1..=MOST).contains(&milliseconds).then_some(Self(Duration::from_millis(milliseconds))).ok_or(OutOfRange)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_steps_are_less_than_a_claim() {
        for (milliseconds, is_one) in [(0, false), (1, true), (9_000, true), (9_001, false), (u64::MAX, false)] {
            let patience = Patience::try_from(milliseconds).ok();
            assert_eq!(patience.is_some(), is_one, "{milliseconds}");
            assert!(patience.is_none_or(|patience| patience.get() * 3 < Duration::from_secs(30)));
        }
    }
}
