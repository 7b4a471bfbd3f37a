//! A browser client and the secret it presents.

use chrono::TimeDelta;
use tessera_common::clock::Timestamp;
use tessera_contracts::ids::{BrowserClientId, SessionId};

/// How long the previous secret of a browser may still read after a rise.
const STALE_BROWSER: TimeDelta = TimeDelta::seconds(60);
/// The same for an app, which may lie in a pocket meanwhile.
const STALE_NATIVE: TimeDelta = TimeDelta::minutes(10);
/// How long it may once the new secret was presented.
const STALE_AFTER_NEW: TimeDelta = TimeDelta::seconds(5);

/// A browser or an app install.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Client {
    /// Its id.
    pub id: BrowserClientId,
    /// Fixed at birth.
    pub kind: ClientKind,
    /// When the secret was last replaced.
    pub rotated_at: Timestamp,
    /// When the present secret was first presented, while the previous one is still around.
    pub presented_at: Option<Timestamp>,
    /// Whether the previous secret is still around.
    pub has_previous: bool,
    /// When a session last started or ended.
    pub auth_changed_at: Timestamp,
    /// The session that acts where none is named.
    pub last_active_session: Option<SessionId>,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What kind of client it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientKind {
    /// A browser: a cookie.
    Browser,
    /// An app: `Authorization`.
    Native,
    /// Made by a sign-in of the accounts API; it has no secret.
    Api,
}

impl ClientKind {
    /// Its name in storage.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Browser => "browser",
            Self::Native => "native",
            Self::Api => "api",
        }
    }

    /// The kind of that name. An unknown one has no secret.
    #[must_use]
    pub fn named(name: &str) -> Self {
        [Self::Browser, Self::Native].into_iter().find(|kind| kind.name() == name).unwrap_or(Self::Api)
    }
}

/// What a presented secret is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is the client's.
    Current,
    /// It was replaced a moment ago: it may read, at the level it had.
    Stale,
    /// It was replaced.
    Gone,
}

impl Client {
    /// Whether it matters that the present secret is presented now: it shortens what is left to the previous one.
    #[must_use]
    pub const fn is_first_presented(&self) -> bool {
        self.has_previous && self.presented_at.is_none()
    }

    /// What the previous secret is worth now.
    #[must_use]
    pub fn previous_is(&self, now: Timestamp) -> Standing {
        let stale = if self.kind == ClientKind::Native { STALE_NATIVE } else { STALE_BROWSER };
        let end =
            self.presented_at.map_or(self.rotated_at + stale, |at| (at + STALE_AFTER_NEW).min(self.rotated_at + stale));
        if now < end { Standing::Stale } else { Standing::Gone }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_secret_is_stale_for_a_minute_or_five_seconds_after_the_new_one_was_seen() {
        let at = |seconds| Timestamp::from_timestamp(1_000_000 + seconds, 0).expect("a time");
        let client = |kind, presented: Option<i64>| Client {
            id: uuid::Uuid::nil().into(),
            kind,
            rotated_at: at(0),
            presented_at: presented.map(at),
            has_previous: true,
            auth_changed_at: at(0),
            last_active_session: None,
            created_at: at(0),
        };
        let browser = client(ClientKind::Browser, None);
        assert_eq!((browser.previous_is(at(59)), browser.previous_is(at(60))), (Standing::Stale, Standing::Gone));
        let seen = client(ClientKind::Browser, Some(10));
        assert_eq!((seen.previous_is(at(14)), seen.previous_is(at(15))), (Standing::Stale, Standing::Gone));
        let late = client(ClientKind::Browser, Some(58));
        assert_eq!(late.previous_is(at(60)), Standing::Gone);
        let native = client(ClientKind::Native, None);
        assert_eq!((native.previous_is(at(599)), native.previous_is(at(600))), (Standing::Stale, Standing::Gone));
    }
}
