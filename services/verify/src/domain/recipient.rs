//! Whom a message goes to.

use super::message::Channel;

/// Somebody who can be sent a message. It does not print: logs name nobody.
#[derive(Clone, PartialEq, Eq)]
pub enum Recipient {
    /// By mail.
    Address {
        /// The address as it was given.
        given: String,
        /// Its canonical form, by which it is found and counted.
        canonical: String,
    },
    /// By text message.
    Number {
        /// The number in E.164, its only form.
        number: String,
        /// What its text messages are counted under besides: the beginning of the number that is allowed.
        prefix: String,
    },
}

impl Recipient {
    /// How a message to it travels.
    #[must_use]
    pub const fn channel(&self) -> Channel {
        match self {
            Self::Address { .. } => Channel::Email,
            Self::Number { .. } => Channel::Sms,
        }
    }

    /// What the message is addressed to.
    #[must_use]
    pub fn destination(&self) -> &str {
        match self {
            Self::Address { given, .. } => given,
            Self::Number { number, .. } => number,
        }
    }

    /// What it is found and counted by.
    #[must_use]
    pub fn canonical(&self) -> &str {
        match self {
            Self::Address { canonical, .. } => canonical,
            Self::Number { number, .. } => number,
        }
    }
}

impl std::fmt::Debug for Recipient {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Recipient")
    }
}
