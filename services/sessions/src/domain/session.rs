//! A session: how it begins, how long it lives, and how it ends for good.

use chrono::TimeDelta;
use tessera_common::clock::Timestamp;
use tessera_contracts::ids::{BrowserClientId, SessionId, UserId};
use tessera_contracts::sessions::Entry;

/// How old a first factor may be for what ends sessions elsewhere.
const FRESH_FOR: TimeDelta = TimeDelta::minutes(10);

/// Uses nearer together than this are noted once.
pub const NOTED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// A session of a user on a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The accounts API's number.
    pub number: i64,
    /// Its id.
    pub id: SessionId,
    /// The client it lives on.
    pub client: BrowserClientId,
    /// Whose it is.
    pub user: UserId,
    /// The user's number.
    pub user_number: i64,
    /// Where it began; decides its policy.
    pub entry: Entry,
    /// As stored; see [`Session::status`] for how it is.
    pub stored: Status,
    /// The security epoch it was born under.
    pub epoch: i64,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_active_at: Timestamp,
    /// The nearest of absolute end and idle end.
    pub expire_at: Timestamp,
    /// When it counts as abandoned.
    pub abandon_at: Timestamp,
    /// When a first factor was last proved in it.
    pub first_factor_at: Timestamp,
    /// When a second factor was last proved in it.
    pub second_factor_at: Option<Timestamp>,
    /// What the sign-in's request called itself.
    pub user_agent: Option<String>,
    /// Where the sign-in's request came from.
    pub address: String,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// Why.
    pub ended_reason: Option<String>,
    /// Rises with each change that others are told of.
    pub version: i64,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// How a session is. All but `Active` are for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Usable.
    Active,
    /// Its user signed out, and it stays listed for a while.
    Ended,
    /// Its user signed out, and it is not listed any more.
    Removed,
    /// Another session took its place.
    Replaced,
    /// Ended from elsewhere.
    Revoked,
    /// Past its end.
    Expired,
    /// Not used for too long.
    Abandoned,
}

impl Status {
    /// Its name in storage and in the client API.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Ended => "ended",
            Self::Removed => "removed",
            Self::Replaced => "replaced",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::Abandoned => "abandoned",
        }
    }

    /// The status of that name. An unknown one is not usable.
    #[must_use]
    pub fn named(name: &str) -> Self {
        [Self::Active, Self::Ended, Self::Removed, Self::Replaced, Self::Expired, Self::Abandoned]
            .into_iter()
            .find(|status| status.name() == name)
            .unwrap_or(Self::Revoked)
    }
}

/// How long sessions of one entry live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    life: Life,
    abandon: TimeDelta,
}

/// What ends a session that nobody ends. Every session has an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    /// So long after it began.
    Absolute(TimeDelta),
    /// So long after its last use.
    Idle(TimeDelta),
    /// Whichever comes first.
    Either { absolute: TimeDelta, idle: TimeDelta },
}

impl Policy {
    /// The policy of an entry, fixed when a session begins there.
    #[must_use]
    pub const fn of(entry: Entry) -> Self {
        let abandon = TimeDelta::days(30);
        match entry {
            Entry::Client => Self { life: Life::Absolute(TimeDelta::days(7)), abandon },
            Entry::Browser => {
                let (absolute, idle) = (TimeDelta::hours(12), TimeDelta::minutes(30));
                Self { life: Life::Either { absolute, idle }, abandon }
            }
            Entry::Api => Self { life: Life::Idle(TimeDelta::days(30)), abandon },
        }
    }

    /// When a session that began at `started` and is used at `now` ends, if it is not used again.
    #[must_use]
    pub fn expire_at(self, started: Timestamp, now: Timestamp) -> Timestamp {
        match self.life {
            Life::Absolute(absolute) => started + absolute,
            Life::Idle(idle) => now + idle,
            Life::Either { absolute, idle } => (started + absolute).min(now + idle),
        }
    }

    /// When a session used at `now` counts as abandoned.
    #[must_use]
    pub fn abandon_at(self, now: Timestamp) -> Timestamp {
        now + self.abandon
    }
}

impl Session {
    /// How it is now: an end that has come by time alone is seen when it is looked at.
    #[must_use]
    pub fn status(&self, now: Timestamp) -> Status {
        match self.stored {
            Status::Active if self.expire_at <= now => Status::Expired,
            Status::Active if self.abandon_at <= now => Status::Abandoned,
            stored => stored,
        }
    }

    /// Whether it is usable.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.status(now) == Status::Active
    }

    /// Whether this use of it is to be noted.
    #[must_use]
    pub fn is_worth_noting(&self, now: Timestamp) -> bool {
        now - self.last_active_at >= NOTED_EVERY
    }

    /// Whether its first factor was proved lately enough to end sessions elsewhere.
    #[must_use]
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        now - self.first_factor_at < FRESH_FOR
    }

    /// Whole minutes since a first and a second factor were proved; −1 for never.
    #[must_use]
    pub fn factor_ages(&self, now: Timestamp) -> [i64; 2] {
        let age = |at: Timestamp| (now - at).num_minutes().max(0);
        [age(self.first_factor_at), self.second_factor_at.map_or(-1, age)]
    }
}

/// The name of an entry in storage and events.
#[must_use]
pub const fn entry_name(entry: Entry) -> &'static str {
    match entry {
        Entry::Browser => "browser",
        Entry::Api => "api",
        Entry::Client => "client",
    }
}

/// The entry of that name. An unknown one has the shortest policy.
#[must_use]
pub fn entry_named(name: &str) -> Entry {
    [Entry::Api, Entry::Client].into_iter().find(|entry| entry_name(*entry) == name).unwrap_or(Entry::Browser)
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_timestamp(1_768_471_200 + minutes * 60, 0).expect("a time")
    }

    #[test]
    fn policies_are_those_of_the_entry() {
        let hours = |n: i64| n * 60;
        let days = |n: i64| hours(24) * n;
        let browser = Policy::of(Entry::Browser);
        assert_eq!(browser.expire_at(at(0), at(0)), at(30));
        assert_eq!(browser.expire_at(at(0), at(hours(12) - 1)), at(hours(12)));
        let client = Policy::of(Entry::Client);
        assert_eq!(client.expire_at(at(0), at(days(6))), at(days(7)));
        assert_eq!(client.abandon_at(at(0)), at(days(30)));
        let api = Policy::of(Entry::Api);
        assert_eq!(api.expire_at(at(0), at(days(400))), at(days(430)));
    }

    fn begun_at(started_at: Timestamp) -> Session {
        let policy = Policy::of(Entry::Browser);
        Session {
            number: 1,
            id: Uuid::nil().into(),
            client: Uuid::nil().into(),
            user: Uuid::nil().into(),
            user_number: 1,
            entry: Entry::Browser,
            stored: Status::Active,
            epoch: 1,
            started_at,
            last_active_at: started_at,
            expire_at: policy.expire_at(started_at, started_at),
            abandon_at: policy.abandon_at(started_at),
            first_factor_at: started_at,
            second_factor_at: None,
            user_agent: None,
            address: String::new(),
            ended_at: None,
            ended_reason: None,
            version: 1,
            updated_at: started_at,
        }
    }

    #[test]
    fn a_first_factor_is_fresh_for_ten_minutes() {
        let session = begun_at(at(0));
        assert!(session.is_fresh(at(0)) && session.is_fresh(at(10) - TimeDelta::microseconds(1)));
        assert!(!session.is_fresh(at(10)));
    }

    /// Times are compared as text by SQLite: one that chrono writes with a sign would come before all others.
    #[test]
    fn every_end_is_a_time_that_sorts_as_text() {
        for entry in [Entry::Api, Entry::Browser, Entry::Client] {
            let end = Policy::of(entry).expire_at(at(0), at(0));
            assert!(at(0) < end && at(0).to_rfc3339() < end.to_rfc3339(), "{entry:?}");
            assert!(end < at(60 * 24 * 366), "{entry:?}");
        }
    }

    #[test]
    fn an_unknown_status_is_not_usable() {
        assert_eq!(Status::named("active"), Status::Active);
        assert_eq!(Status::named("Active"), Status::Revoked);
    }
}
