//! The ways a consumer is reached, as tenants name them in paths.

use super::message::Channel;

/// A way to prove something. A word that is none of these is not supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A code by mail.
    Email,
    /// A code by text message.
    Phone,
    /// The present code of an authenticator app (RFC 6238).
    Authenticator,
    /// One of the codes that were given out for the day the other ways are lost.
    BackupCode,
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
            "google_auth" => Some(Self::Authenticator),
            "backup_code" => Some(Self::BackupCode),
            _ => None,
        }
    }

    /// Its name in paths and in storage.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Authenticator => "google_auth",
            Self::BackupCode => "backup_code",
        }
    }
}

/// A name in storage that is none of a method's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no method has that name")]
pub struct NoMethod;

impl TryFrom<String> for Method {
    type Error = NoMethod;

    fn try_from(stored: String) -> Result<Self, NoMethod> {
        Self::named(&stored).ok_or(NoMethod)
    }
}
