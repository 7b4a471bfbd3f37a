//! A promise to accept one code, once, until a deadline.

use tessera_common::clock::Timestamp;
use uuid::Uuid;

use super::method::Method;
use super::purpose_group::CountedFor;

/// The most comparisons of a short code.
pub const MOST_ATTEMPTS: i64 = 5;

/// The tenant of all siblings together. Others are `client:<client id>`.
pub const PLATFORM: &str = "platform";

/// How a code is guarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Under 64 bits, or a tenant's whatever its length: [`MOST_ATTEMPTS`] wrong ones end the verification.
    Short,
    /// 256 random bits, as part of a link: guessing is hopeless, so there is no cap with which somebody could spoil it.
    Long,
}

impl Form {
    /// Its name in storage.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Short => "short",
            Self::Long => "long",
        }
    }
}

/// A verification as it stands.
#[derive(Clone, Debug)]
pub struct Verification {
    /// Its row: unlike the id, never used again.
    pub row_id: Uuid,
    /// Whose it is: a tenant, or [`PLATFORM`].
    pub tenant: String,
    /// Its method.
    pub method: Method,
    /// Its id as it was given.
    pub id: String,
    /// Whom wrong answers are counted for.
    pub subject: String,
    /// What it is for, as far as counting goes.
    pub purpose_group: CountedFor,
    /// Who is to prove it, as given.
    pub consumer: String,
    /// The canonical form of the consumer: an address, a number or a name.
    pub recipient: String,
    /// Raised when the id was used again.
    pub generation: i64,
    /// The keyed digest of its code.
    pub code_digest: Vec<u8>,
    /// How its code is guarded.
    pub form: Form,
    /// Wrong answers so far.
    pub attempts: i64,
    /// When its first message was asked for.
    pub issued_at: Timestamp,
    /// When it ends.
    pub deadline: Timestamp,
    /// What the tenant wants back: JSON as it came.
    pub payload: Option<String>,
    /// Sealed, what it takes to send it again: a tenant's code, or a sibling's whole message.
    pub sealed_code: Option<Vec<u8>>,
}

impl Verification {
    /// Whose authenticator or backup codes it asks for.
    #[must_use]
    pub fn owner(&self) -> Owner<'_> {
        Owner { tenant: &self.tenant, consumer: &self.consumer }
    }

    /// Answers left; `None` where there is no cap.
    #[must_use]
    pub fn attempts_left(&self) -> Option<i64> {
        match self.form {
            Form::Short => Some((MOST_ATTEMPTS - self.attempts).max(0)),
            Form::Long => None,
        }
    }
}

/// Whose a secret is that outlives its verifications: an authenticator, a set of backup codes.
#[derive(Clone, Copy, Debug)]
pub struct Owner<'a> {
    /// A tenant, or [`PLATFORM`].
    pub tenant: &'a str,
    /// The tenant's name for its user; for the platform the user's id.
    pub consumer: &'a str,
}

/// Which verification is meant: an id means nothing without whose it is and its method.
#[derive(Clone, Copy, Debug)]
pub struct Key<'a> {
    /// A tenant, or [`PLATFORM`].
    pub tenant: &'a str,
    /// Its method.
    pub method: Method,
    /// Its id, in any letter case.
    pub id: &'a str,
    /// The sibling's row it must be for; empty for a tenant's own.
    pub holder: &'a str,
}

impl<'a> Key<'a> {
    /// A tenant's own.
    #[must_use]
    pub const fn of_tenant(tenant: &'a str, method: Method, id: &'a str) -> Self {
        Self { tenant, method, id, holder: "" }
    }

    /// The id in the form it is found by.
    #[must_use]
    pub fn lookup_id(&self) -> String {
        self.id.to_lowercase()
    }
}
