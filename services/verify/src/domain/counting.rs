//! What may happen only so often in a time.

use chrono::TimeDelta;

/// So many of one kind in a window, which begins with the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// The most in one window.
    pub most: i64,
    /// How long it is.
    pub window: TimeDelta,
}

/// Wrong answers of one subject in one group of purposes, over all its verifications.
pub const WRONG_PER_SUBJECT: Quota = Quota { most: 20, window: TimeDelta::hours(1) };

/// The platform's own messages to one recipient: each kind must have room.
pub const PLATFORM_MESSAGES: [(&str, Quota); 2] = [
    ("message", Quota { most: 1, window: TimeDelta::seconds(30) }),
    ("messages", Quota { most: 5, window: TimeDelta::hours(1) }),
];

/// The name under which a tenant's messages to one recipient are counted.
pub const TENANT_MESSAGES: &str = "messages";

/// The window of a tenant's messages to one recipient.
pub const TENANT_MESSAGES_WINDOW: TimeDelta = TimeDelta::minutes(10);

/// Whose counters are meant that all tenants have in common. No tenant is called so.
pub const EVERY_TENANT: &str = "every tenant";

/// The name under which text messages to numbers of one beginning are counted, over all tenants.
pub const PREFIX_MESSAGES: &str = "sms prefix";

/// The window of text messages to numbers of one beginning.
pub const PREFIX_WINDOW: TimeDelta = TimeDelta::hours(1);

/// The name under which all text messages of a tenant are counted.
pub const TENANT_TEXTS: &str = "sms tenant";

/// The window of all text messages of a tenant.
pub const TENANT_TEXTS_WINDOW: TimeDelta = TimeDelta::days(1);

/// A quota is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limited {
    /// How long until the window ends.
    pub wait: TimeDelta,
    /// The quota.
    pub quota: Quota,
}

impl Limited {
    /// The wait in whole seconds, at least one.
    #[must_use]
    pub fn retry_after(&self) -> u32 {
        Self::seconds(self.wait)
    }

    /// A wait in whole seconds, at least one.
    #[must_use]
    pub fn seconds(wait: TimeDelta) -> u32 {
        u32::try_from(wait.num_seconds().saturating_add(1)).map_or(1, |seconds| seconds.max(1))
    }
}
