//! An account that a caller works on: what must be remembered to look at it again. What came of it all is in the history.

/// A session whose beginning was acknowledged.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Its number.
    pub number: i64,
    /// Its token.
    pub token: String,
}

impl Opened {
    /// As the history knows it.
    #[must_use]
    pub fn name(&self) -> String {
        self.number.to_string()
    }
}

/// An account.
#[derive(Clone, Debug)]
pub struct Account {
    /// Its address.
    pub email: String,
    /// Its sessions.
    pub sessions: Vec<Opened>,
    /// The passwords that may be right, by their numbers. One is, if there is an account.
    pub candidates: Vec<usize>,
    /// How many passwords it may have had. They are numbered from 0.
    pub passwords: usize,
}

impl Account {
    /// One with the password 0, or none.
    #[must_use]
    pub fn new(email: String) -> Self {
        Self { email, sessions: Vec::new(), candidates: vec![0], passwords: 1 }
    }

    /// The password of that number, the same for every account.
    #[must_use]
    pub fn password(number: usize) -> String {
        format!("Kettle{number}*Trombone{number}")
    }
}
