//! The profile copy: for display and claims, never for whether somebody may sign in.

use tessera_common::clock::Timestamp;
use tessera_contracts::ids::UserId;

/// What is known of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The user.
    pub user: UserId,
    /// The accounts API's number.
    pub number: i64,
    /// The primary address.
    pub email: String,
    /// Whether it was proved.
    pub email_verified: bool,
    /// auth's version of the user: only a newer one replaces this.
    pub version: i64,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}
