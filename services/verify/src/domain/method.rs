//! The ways a consumer is reached, as tenants name them in paths.

use super::message::Channel;

/// A way to prove something. A word that is none of these is not supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A code by mail.
    Email,
    /// A code by text message.
    Phone,
}

impl Method {
    /// The method whose messages travel by `channel`.
    #[must_use]
    pub const fn by(channel: Channel) -> Self {
        match channel {
            Channel::Email => Self::Email,
            Channel::Sms => Self::Phone,
        }
    }

    /// The method of that name, exactly.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "email" => Some(Self::Email),
            "phone" => Some(Self::Phone),
            _ => None,
        }
    }

    /// Its name in paths and in storage.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
        }
    }
}
