//! Accounts (I1, I6 for their sessions, I7, I10, I14): who has an address, with which password, and which sessions live.

use std::collections::BTreeMap;

use super::linear::{self, Model};
use super::{Operation, Outcome, Record, Violation};

/// How a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Life {
    Live,
    /// A password change ends it, maybe a moment later: it was told so by a durable call.
    Dying,
    Dead,
}

/// What an address is to the platform.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Account {
    password: Option<usize>,
    sessions: BTreeMap<String, Life>,
}

/// The operations on one address have an order that explains them.
pub fn check(records: &[&Record]) -> Vec<Violation> {
    let of_accounts: Vec<&Record> =
        records.iter().copied().filter(|record| is_of_accounts(&record.operation) && !is_idle(record)).collect();
    let Err(record) = linear::explain(&of_accounts, Account::default()) else { return Vec::new() };
    let (invariant, how) = name(record, &of_accounts);
    let mut violation = Violation::new(invariant, record, how);
    for record in of_accounts {
        violation.what.push_str(&format!("\n    {record}"));
    }
    vec![violation]
}

const fn is_of_accounts(operation: &Operation) -> bool {
    use Operation::{ChangePassword, EndSession, Settle, SignIn, SignUp, UseSession, VerifyEmail};
    matches!(
        operation,
        SignUp { .. }
            | SignIn { .. }
            | UseSession { .. }
            | EndSession { .. }
            | ChangePassword { .. }
            | VerifyEmail
            | Settle
    )
}

/// Without an answer it tells nothing, and it changes nothing that anybody knows of.
fn is_idle(record: &Record) -> bool {
    use Operation::{SignIn, UseSession, VerifyEmail};
    record.outcome == Outcome::Unknown && matches!(record.operation, SignIn { .. } | UseSession { .. } | VerifyEmail)
}

/// Which invariant is broken by what nothing explains.
fn name(record: &Record, all: &[&Record]) -> (&'static str, &'static str) {
    let earlier = |is_it: &dyn Fn(&Operation) -> bool| {
        all.iter().any(|other| is_it(&other.operation) && other.may_affect(record))
    };
    let changed = earlier(&|operation| matches!(operation, Operation::ChangePassword { .. }));
    match (&record.operation, record.outcome) {
        (Operation::SignUp { .. }, Outcome::Done) => ("I10", "an address was given twice"),
        (Operation::SignIn { .. }, Outcome::Refused) if !changed => ("I1", "an accepted sign-up cannot sign in"),
        (Operation::SignIn { .. }, _) => ("I7", "another than the present password decides"),
        (Operation::UseSession { session }, Outcome::Done) => {
            let ended =
                earlier(&|operation| matches!(operation, Operation::EndSession { session: of, .. } if of == session));
            if ended { ("I6", "an ended session lives") } else { ("I7", "a session survived a password change") }
        }
        (Operation::UseSession { .. }, _) => ("I14", "a session is lost that nobody ended"),
        _ => ("I14", "no order of what was done explains this"),
    }
}

impl Account {
    /// Whether a session may answer; one that nobody was told of, never.
    fn may_live(&self, session: &str) -> bool {
        matches!(self.sessions.get(session), Some(Life::Live | Life::Dying))
    }

    fn may_be_dead(&self, session: &str) -> bool {
        !matches!(self.sessions.get(session), Some(Life::Live))
    }

    fn with(&self, session: &str, life: Life) -> Self {
        let mut account = self.clone();
        account.sessions.insert(session.to_owned(), life);
        account
    }

    /// This, with every session from one life to the next, but for the one that is kept.
    fn with_all(&self, from: Life, to: Life, kept: &str) -> Self {
        let mut account = self.clone();
        for (_, life) in account.sessions.iter_mut().filter(|(session, life)| **life == from && *session != kept) {
            *life = to;
        }
        account
    }

    fn done(&self, record: &Record) -> Option<Self> {
        match &record.operation {
            Operation::SignUp { password } if self.password.is_none() => {
                Some(Self { password: Some(*password), ..self.clone() })
            }
            Operation::SignIn { password } if self.password == Some(*password) => {
                // Nobody knows the session of a sign-in without an answer.
                Some(if record.said.is_empty() { self.clone() } else { self.with(&record.said, Life::Live) })
            }
            Operation::UseSession { session } if self.may_live(session) => Some(self.clone()),
            Operation::EndSession { session, within } if self.may_live(session) && self.may_live(within) => {
                Some(self.with(session, Life::Dead))
            }
            Operation::ChangePassword { within, from, to } if self.password == Some(*from) && self.may_live(within) => {
                Some(Self { password: Some(*to), ..self.with_all(Life::Live, Life::Dying, within) })
            }
            Operation::VerifyEmail if self.password.is_some() => Some(self.clone()),
            Operation::Settle => Some(self.with_all(Life::Dying, Life::Dead, "")),
            _ => None,
        }
    }

    fn refused(&self, record: &Record) -> Option<Self> {
        match &record.operation {
            Operation::SignUp { .. } => self.password.is_some().then(|| self.clone()),
            Operation::SignIn { password } => (self.password != Some(*password)).then(|| self.clone()),
            // Once refused, always refused.
            Operation::UseSession { session } => self.may_be_dead(session).then(|| self.with(session, Life::Dead)),
            Operation::EndSession { session, within } => {
                (self.may_be_dead(session) || self.may_be_dead(within)).then(|| self.clone())
            }
            Operation::ChangePassword { within, from, .. } => {
                (self.password != Some(*from) || self.may_be_dead(within)).then(|| self.clone())
            }
            Operation::VerifyEmail => Some(self.clone()),
            _ => None,
        }
    }
}

impl Model for Account {
    fn after(&self, record: &Record, outcome: Outcome) -> Option<Self> {
        if outcome == Outcome::Done { self.done(record) } else { self.refused(record) }
    }
}
