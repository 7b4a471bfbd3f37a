//! The user as the rest of this context speaks of it.

use tessera_common::clock::Timestamp;
use tessera_contracts::ids::UserId;

/// A user with the primary address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// The accounts API's number.
    pub number: i64,
    /// The id.
    pub id: UserId,
    /// `active`, `disabled` or `deleted`.
    pub status: Status,
    /// Raised by every change that ends what was born before it.
    pub security_epoch: i64,
    /// The primary address, as given.
    pub email: String,
    /// When it was proved.
    pub email_verified_at: Option<Timestamp>,
    /// Rises with each change.
    pub version: i64,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// Whether an account may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It may.
    Active,
    /// Not now.
    Disabled,
    /// Never again.
    Deleted,
}

impl Status {
    /// Its name in storage and in events.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Deleted => "deleted",
        }
    }

    /// The status of that name. An unknown one may not be used.
    #[must_use]
    pub fn named(name: &str) -> Self {
        [Self::Active, Self::Deleted].into_iter().find(|status| status.name() == name).unwrap_or(Self::Disabled)
    }
}
