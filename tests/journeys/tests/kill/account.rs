//! What was done with an account, as its caller knows it, and what follows from that.

/// What came of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Acknowledged.
    Done,
    /// Refused.
    Refused,
    /// No answer.
    Unknown,
}

/// One operation on an account. Passwords and sessions are named by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    SignUp,
    SignIn { password: usize },
    EndSession { session: usize },
    ChangePassword { within: usize, to: usize },
    VerifyEmail,
}

/// A session whose beginning was acknowledged.
#[derive(Clone, Debug)]
pub struct Opened {
    pub number: i64,
    pub token: String,
    /// With which password.
    pub password: usize,
}

/// How a session must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Must {
    Live,
    /// Its end was acknowledged.
    BeDead,
    /// A password change ends it, maybe a moment after a restart.
    Die,
    /// Its end was asked for and not answered.
    BeEither,
}

/// An account that one flow works on, and the history of that.
#[derive(Clone, Debug)]
pub struct Account {
    pub email: String,
    pub history: Vec<(Operation, Outcome)>,
    pub sessions: Vec<Opened>,
    /// Which password turned out to be right after the kill.
    pub right: Option<usize>,
}

impl Account {
    pub const fn new(email: String) -> Self {
        Self { email, history: Vec::new(), sessions: Vec::new(), right: None }
    }

    /// The password of that number, the same for every account.
    pub fn password(number: usize) -> String {
        format!("Kettle{number}*Trombone{number}")
    }

    /// What came of an operation, if it was ever begun.
    pub fn outcome(&self, operation: Operation) -> Option<Outcome> {
        self.history.iter().rfind(|(begun, _)| *begun == operation).map(|(_, outcome)| *outcome)
    }

    /// The changes of the password that may have happened, in their order: within which session, and to which password.
    fn changes(&self) -> impl DoubleEndedIterator<Item = (usize, usize, Outcome)> {
        self.history.iter().filter_map(|(operation, outcome)| match operation {
            Operation::ChangePassword { within, to } if *outcome != Outcome::Refused => Some((*within, *to, *outcome)),
            _ => None,
        })
    }

    /// The last acknowledged password.
    pub fn acknowledged_password(&self) -> usize {
        self.changes().rfind(|(.., outcome)| *outcome == Outcome::Done).map_or(0, |(_, to, _)| to)
    }

    /// The passwords of which one must be right now: the last acknowledged, or that of a change without answer.
    pub fn candidates(&self) -> Vec<usize> {
        let unanswered = self.changes().filter(|(.., outcome)| *outcome == Outcome::Unknown).map(|(_, to, _)| to);
        std::iter::once(self.acknowledged_password()).chain(unanswered).collect()
    }

    /// How a session must be, once it is known which password is right.
    pub fn must(&self, session: usize) -> Must {
        match self.outcome(Operation::EndSession { session }) {
            Some(Outcome::Done) => return Must::BeDead,
            Some(Outcome::Unknown) => return Must::BeEither,
            Some(Outcome::Refused) | None => {}
        }
        let right = self.right.unwrap_or_default();
        let changed_within = self.changes().find(|(_, to, _)| *to == right).map(|(within, ..)| within);
        if self.sessions[session].password == right || changed_within == Some(session) { Must::Live } else { Must::Die }
    }
}

/// Several who signed up with one address at the same time, each with a password of their own.
#[derive(Clone, Debug)]
pub struct Contest {
    pub address: String,
    /// In the order of the passwords.
    pub outcomes: Vec<Outcome>,
}
