//! What is said of factors that people have themselves: authenticators and backup codes.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tessera_common::clock::Timestamp;
use utoipa::ToSchema;

use super::Verdict;
use crate::ids::{AttemptId, BackupCodeSetId, EnrolmentId, UserId};

/// An authenticator to be set up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuthenticatorEnrol {
    /// Whose it is to be.
    pub user: UserId,
    /// Chosen by the caller: a repeat is answered with the same secret.
    pub enrolment: EnrolmentId,
    /// What the app calls the account: an address, a user name.
    pub label: String,
}

/// A secret that waits for its first right code.
#[derive(Clone, Debug)]
pub struct AuthenticatorEnrolled {
    /// In base32, for people who type.
    pub secret: SecretString,
    /// The link that an app reads it from.
    pub uri: SecretString,
    /// How long it waits.
    pub expires_at: Timestamp,
}

/// The first code of an enrolment.
#[derive(Clone, Debug)]
pub struct AuthenticatorConfirm {
    /// Whose it is to be.
    pub user: UserId,
    /// Which enrolment.
    pub enrolment: EnrolmentId,
    /// The code.
    pub code: SecretString,
}

/// A code presented as a factor. The attempt was counted by whoever asks. Presented again with the same code it has the same verdict,
/// [`Verdict::ProvedBefore`] if it was right; another code under its id is wrong.
#[derive(Clone, Debug)]
pub struct FactorAnswer {
    /// Whose factor.
    pub user: UserId,
    /// Which attempt.
    pub attempt: AttemptId,
    /// The code.
    pub code: SecretString,
}

/// An authenticator to be dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuthenticatorRemove {
    /// Whose.
    pub user: UserId,
    /// Only the secret of this enrolment: a call that comes late must not drop what was set up since. Without one, whatever there is.
    pub enrolment: Option<EnrolmentId>,
}

/// Backup codes to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackupCodesIssue {
    /// For whom.
    pub user: UserId,
    /// Chosen by the caller.
    pub set: BackupCodeSetId,
}

/// The codes of a new set: they are told nowhere else.
#[derive(Clone, Debug)]
pub struct BackupCodesIssued {
    /// Ten of them.
    pub codes: Vec<SecretString>,
}

/// What a backup code was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackupCodesUsed {
    /// Whether it was right.
    pub verdict: Verdict,
    /// Codes left.
    pub left: i64,
}

/// The backup codes of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackupCodesCount {
    /// Codes left.
    pub left: i64,
    /// When the set was made; `None` without one.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub issued_at: Option<Timestamp>,
}

/// Backup codes to be dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BackupCodesRemove {
    /// Whose.
    pub user: UserId,
    /// Only this set. Without one, whatever there is.
    pub set: Option<BackupCodeSetId>,
}
