//! What callers did and what came of it, and what must never be read from that.
//!
//! A caller notes each operation as it begins and again as its answer comes. One without an answer may have happened or not: what is seen
//! afterwards must fit one of the two, never a third. The rules are those that hold for any run, with faults or without.

mod account;
mod credential;
mod family;
mod linear;
mod secret;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// What came of an operation, as far as its caller knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Acknowledged.
    Done,
    /// Refused for good: by what the platform knows, not for lack of something it needs.
    Refused,
    /// No answer, or one that promises nothing (503).
    Unknown,
}

/// One operation on what its key names. Passwords are named by number; sessions and tokens by what the caller knows them as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// On an address: makes an account there.
    SignUp {
        /// The account's.
        password: usize,
    },
    /// On an address: opens a session, whose name is what was said.
    SignIn {
        /// The one that is tried.
        password: usize,
    },
    /// On an address: asks for something that a live session may.
    UseSession {
        /// The session.
        session: String,
    },
    /// On an address: ends a session.
    EndSession {
        /// The one that is ended.
        session: String,
        /// The one whose token says so.
        within: String,
    },
    /// On an address: changes the password, and ends the other sessions.
    ChangePassword {
        /// The session that stays.
        within: String,
        /// The present password.
        from: usize,
        /// The next one.
        to: usize,
    },
    /// On an address: proves it. May be repeated.
    VerifyEmail,
    /// On an address: everything that was begun has come to its end. Noted by the test.
    Settle,
    /// On a one-time secret: presents it for its effect.
    Spend,
    /// On a verification: presents a code. What is said is how many attempts are counted now; nothing if the code was not compared.
    Compare,
    /// On a credential: asks for something that it allows.
    Use,
    /// On a credential: revokes it.
    Revoke,
    /// On a family of refresh tokens: presents one. What is said is its successor.
    Refresh {
        /// The token.
        presented: String,
    },
    /// On a family: revokes it.
    RevokeFamily,
}

/// One operation and what came of it. Times are since the history began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it was done to.
    pub key: String,
    /// What was done.
    pub operation: Operation,
    /// When the caller began.
    pub begun: Duration,
    /// When the answer had come; `None` if there was none.
    pub ended: Option<Duration>,
    /// What came of it.
    pub outcome: Outcome,
    /// What the answer said, where the operation has something to say.
    pub said: String,
}

impl Record {
    fn is_done(&self) -> bool {
        self.outcome == Outcome::Done
    }

    /// Whether this was over before the other began.
    fn is_before(&self, other: &Self) -> bool {
        self.ended.is_some_and(|ended| ended < other.begun)
    }

    /// Whether the other may have been affected by this: it had not ended when this began.
    fn may_affect(&self, other: &Self) -> bool {
        self.outcome != Outcome::Refused && other.ended.is_none_or(|ended| self.begun <= ended)
    }
}

impl fmt::Display for Record {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { operation, begun, ended, outcome, said, .. } = self;
        write!(
            out,
            "{begun:.3?} to {}: {operation:?}",
            ended.map_or_else(|| "?".to_owned(), |ended| format!("{ended:.3?}"))
        )?;
        write!(out, " -> {outcome:?} {said}")
    }
}

/// A rule that a history breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The invariant.
    pub invariant: &'static str,
    /// What it is broken for.
    pub key: String,
    /// How.
    pub what: String,
}

impl Violation {
    fn new(invariant: &'static str, at: &Record, how: &str) -> Self {
        Self { invariant, key: at.key.clone(), what: format!("{how}: {at}") }
    }
}

/// What has been done so far. Clones share it.
#[derive(Clone, Debug)]
pub struct History {
    began: Instant,
    records: Arc<Mutex<Vec<Record>>>,
}

impl Default for History {
    fn default() -> Self {
        Self { began: Instant::now(), records: Arc::default() }
    }
}

/// An operation that has begun. Dropped, it stays one without an answer.
#[derive(Debug)]
#[must_use]
pub struct Begun<'a> {
    history: &'a History,
    number: usize,
}

impl History {
    /// Notes that an operation begins. To be called before anything is sent.
    pub fn begin(&self, key: &str, operation: Operation) -> Begun<'_> {
        let begun = self.began.elapsed();
        let record = Record {
            key: key.to_owned(),
            operation,
            begun,
            ended: None,
            outcome: Outcome::Unknown,
            said: String::new(),
        };
        let mut records = self.records.lock().unwrap_or_else(PoisonError::into_inner);
        records.push(record);
        Begun { history: self, number: records.len() - 1 }
    }

    /// The time since it began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.began.elapsed()
    }

    /// Everything noted so far, in the order in which it began.
    #[must_use]
    pub fn records(&self) -> Vec<Record> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The rules that are broken; none if all hold.
    #[must_use]
    pub fn violations(&self) -> Vec<Violation> {
        violations(&self.records())
    }
}

impl Begun<'_> {
    /// Notes what came of it, and what the answer said. To be called when the whole answer is there.
    pub fn end(self, outcome: Outcome, said: &str) {
        let ended = self.history.began.elapsed();
        let mut records = self.history.records.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(record) = records.get_mut(self.number) {
            record.outcome = outcome;
            record.ended = (outcome != Outcome::Unknown).then_some(ended);
            record.said = said.to_owned();
        }
    }
}

/// The rules that these records break.
fn violations(records: &[Record]) -> Vec<Violation> {
    let mut by_key: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    for record in records {
        by_key.entry(&record.key).or_default().push(record);
    }
    let rules = [
        account::check,
        secret::check_spent_once,
        secret::check_attempts,
        secret::check_kept,
        credential::check,
        family::check,
    ];
    by_key.values().flat_map(|of_key| rules.iter().flat_map(move |rule| rule(of_key))).collect()
}

#[cfg(test)]
mod tests;
