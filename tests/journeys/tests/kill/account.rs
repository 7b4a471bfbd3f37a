//! An account that one flow works on: what the flow must remember to go on. What came of it all is in the history.

/// A session whose beginning was acknowledged.
#[derive(Clone, Debug)]
pub struct Opened {
    pub number: i64,
    pub token: String,
}

impl Opened {
    /// As the history knows it.
    pub fn name(&self) -> String {
        self.number.to_string()
    }
}

/// An account.
#[derive(Clone, Debug)]
pub struct Account {
    pub email: String,
    pub sessions: Vec<Opened>,
    /// How many passwords it may have had. They are numbered from 0.
    pub passwords: usize,
}

impl Account {
    pub const fn new(email: String) -> Self {
        Self { email, sessions: Vec::new(), passwords: 1 }
    }

    /// The password of that number, the same for every account.
    pub fn password(number: usize) -> String {
        format!("Kettle{number}*Trombone{number}")
    }
}
