//! A message as it is sent.

use serde::{Deserialize, Serialize};

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Mail.
    Email,
    /// Text message.
    Sms,
}

impl Channel {
    /// The channel of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "email" => Some(Self::Email),
            "sms" => Some(Self::Sms),
            _ => None,
        }
    }

    /// Its name in storage and in the dev mailbox.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Sms => "sms",
        }
    }
}

/// What is said. It holds a code: it is stored sealed, and does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// The subject line.
    pub subject: Option<String>,
    /// HTML for mail, text otherwise.
    pub body: String,
    /// Whom it is from, where that is not the platform itself.
    #[serde(default)]
    pub sender: Sender,
}

/// Whom a mail is from. What is not said is the platform's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sender {
    /// The name that people see.
    pub name: Option<String>,
    /// The address; it may turn out to be none.
    pub address: Option<String>,
}

impl Sender {
    /// Both in one line, for people; `None` for the platform itself.
    #[must_use]
    pub fn shown(&self) -> Option<String> {
        match (&self.name, &self.address) {
            (Some(name), Some(address)) => Some(format!("{name} <{address}>")),
            (name, address) => name.clone().or_else(|| address.clone()),
        }
    }
}

impl std::fmt::Debug for Message {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Message")
    }
}
