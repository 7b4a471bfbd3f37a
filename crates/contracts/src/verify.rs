//! What verify does for its siblings (tenant `platform`).

use std::collections::BTreeMap;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use tessera_common::clock::Timestamp;
use utoipa::ToSchema;
use uuid::Uuid;

pub use self::factors::{
    AuthenticatorConfirm, AuthenticatorEnrol, AuthenticatorEnrolled, AuthenticatorRemove, BackupCodesCount,
    BackupCodesIssue, BackupCodesIssued, BackupCodesRemove, BackupCodesUsed, FactorAnswer,
};
use crate::call::CallError;
use crate::ids::{BrowserClientId, UserId, VerificationId};
use crate::sibling::Sibling;

mod factors;

/// One-time secrets: verify makes, keeps, counts and delivers them; the effect belongs to whoever asked. Each sibling has one of its own
/// ([`ServesSiblings`]) and finds by it only the verifications that it began itself; factors are the user's, whoever asks.
#[async_trait]
pub trait VerifyApi: Send + Sync + std::fmt::Debug {
    /// Starts a verification and queues its message. A live verification of that id and holder is answered again, and nothing is sent.
    ///
    /// # Errors
    /// [`CallError`] when verify could not commit it.
    async fn initiate(&self, initiate: Initiate) -> Result<Initiated, CallError>;

    /// Sends the message of a live verification with a short code again, the same as before: its code, its wrong answers and its deadline
    /// stay. It counts as one more message to the recipient. The same `op` again has the outcome of the first time, and sends nothing.
    ///
    /// # Errors
    /// [`CallError`] when verify could not commit it.
    async fn resend(&self, resend: Resend) -> Result<Resent, CallError>;

    /// Compares a code and, if it is right, spends the verification for its holder. The attempt is counted, and committed, first.
    ///
    /// # Errors
    /// [`CallError`]; whether the attempt was counted is then not known.
    async fn validate(&self, validate: Validate) -> Result<Verdict, CallError>;

    /// Compares a code as [`validate`](Self::validate) does, and counts a wrong one, but spends nothing: a right code stays good.
    ///
    /// # Errors
    /// [`CallError`]; whether the attempt was counted is then not known.
    async fn check(&self, validate: Validate) -> Result<Verdict, CallError>;

    /// Ends live verifications. Repeats are harmless.
    ///
    /// # Errors
    /// [`CallError`].
    async fn cancel(&self, cancel: Cancel) -> Result<(), CallError>;

    /// Gives out a new secret for a user's authenticator app, which proves nothing until it is confirmed: a confirmed one stays beside
    /// it. An enrolment that was begun is answered again; another takes its place.
    ///
    /// # Errors
    /// [`CallError`].
    async fn authenticator_enrol(&self, enrol: AuthenticatorEnrol) -> Result<AuthenticatorEnrolled, CallError>;

    /// Compares the first code of an enrolment, at most five times; a right one puts its secret in the place of any other.
    /// [`Verdict::Unknown`]: nothing waits under that id.
    ///
    /// # Errors
    /// [`CallError`]; whether a wrong code was counted is then not known.
    async fn authenticator_confirm(&self, confirm: AuthenticatorConfirm) -> Result<Verdict, CallError>;

    /// Compares a code with the user's confirmed secret and uses its step up. [`Verdict::Unknown`]: there is no such secret, which proves
    /// nothing.
    ///
    /// # Errors
    /// [`CallError`]: the same attempt may be presented again.
    async fn authenticator_check(&self, answer: FactorAnswer) -> Result<Verdict, CallError>;

    /// Drops a user's authenticator. Repeats are harmless.
    ///
    /// # Errors
    /// [`CallError`].
    async fn authenticator_remove(&self, remove: AuthenticatorRemove) -> Result<(), CallError>;

    /// Makes a user's set of ten backup codes, in the place of any other. Asked again for the same set, it has new codes.
    ///
    /// # Errors
    /// [`CallError`].
    async fn backup_codes_issue(&self, issue: BackupCodesIssue) -> Result<BackupCodesIssued, CallError>;

    /// Compares a code with those that the user has left, and uses it up. [`Verdict::Unknown`]: there is no set.
    ///
    /// # Errors
    /// [`CallError`]: the same attempt may be presented again.
    async fn backup_codes_use(&self, answer: FactorAnswer) -> Result<BackupCodesUsed, CallError>;

    /// How many codes a user has left.
    ///
    /// # Errors
    /// [`CallError`].
    async fn backup_codes_count(&self, user: UserId) -> Result<BackupCodesCount, CallError>;

    /// Drops a user's backup codes. Repeats are harmless.
    ///
    /// # Errors
    /// [`CallError`].
    async fn backup_codes_remove(&self, remove: BackupCodesRemove) -> Result<(), CallError>;
}

/// verify, as a sibling is given it. What a sibling began is [`Verdict::Unknown`] to the others.
pub trait ServesSiblings: Send + Sync + 'static {
    /// What each gets.
    type Api: VerifyApi + 'static;

    /// That of one sibling.
    fn for_sibling(&self, sibling: Sibling) -> Self::Api;
}

/// What a verification is to be.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Initiate {
    /// Chosen by the caller, in its own transaction.
    pub id: VerificationId,
    /// The caller's row that the proof is for.
    #[serde(deserialize_with = "without_nul")]
    pub holder: String,
    /// How the message travels.
    pub channel: Channel,
    /// What for: wrong codes are counted per subject and group of purposes.
    pub purpose: Purpose,
    /// Whose factor it proves.
    pub subject: UserId,
    /// The address or number.
    pub destination: String,
    /// What the message says.
    pub message: Message,
    /// The form of the code.
    pub code: CodeForm,
    /// How long it lives, in seconds.
    pub lifetime_s: i64,
    /// The browser or app that it was started in. What strangers may start is counted apart for each, and for whoever has none: nobody
    /// guesses away the answers of somebody else's browser.
    pub browser_client: Option<BrowserClientId>,
}

/// A way to a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// Mail.
    Email,
    /// Text message.
    Sms,
}

/// What a verification is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Proving that an address is the user's.
    VerifyEmail,
    /// Setting a new password by mail.
    ResetPassword,
    /// Proving that a number is the user's.
    VerifyPhone,
    /// Signing in by a code alone: anybody who knows the address can start it.
    SignIn,
    /// A code beside a password that was proved.
    SecondFactor,
}

/// A message of the platform, by name; its text is verify's.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Message {
    /// Which one.
    pub name: MessageName,
    /// What its places are filled with. A mailed link is `link`, to which the token is appended. A code needs none.
    pub values: BTreeMap<String, String>,
}

/// The messages of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageName {
    /// A link that verifies an address.
    VerifyEmail,
    /// A link that resets a password.
    ResetPassword,
    /// Somebody tried to make an account with an address that has one. It carries no link.
    AddressTaken,
    /// A code that verifies a number, by text message.
    VerifyPhone,
    /// A code to sign in with, by mail or text message.
    SignInCode,
}

/// The form of a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CodeForm {
    /// So many digits: at most 5 wrong answers.
    Short {
        /// How many.
        digits: u8,
    },
    /// 256 random bits, sent as part of a link: no cap on answers.
    Long,
}

/// How an initiation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Initiated {
    /// It lives.
    Live {
        /// Until when.
        #[schema(value_type = String, format = DateTime)]
        expires_at: Timestamp,
    },
    /// The recipient had too many messages.
    Limited {
        /// Seconds until it may be tried again.
        retry_after: u32,
    },
    /// No text message is sent to numbers of that region, or none at all.
    OutOfReach,
}

/// A message to be sent once more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Resend {
    /// Chosen by the caller for this one intent.
    pub op: Uuid,
    /// Of which verification.
    pub id: VerificationId,
    /// For which row of the caller.
    #[serde(deserialize_with = "without_nul")]
    pub holder: String,
}

/// How sending again ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Resent {
    /// It is on its way.
    Queued {
        /// Until when the verification lives, as before.
        #[schema(value_type = String, format = DateTime)]
        expires_at: Timestamp,
    },
    /// The recipient had too many messages.
    Limited {
        /// Seconds until it may be tried again, with another `op`.
        retry_after: u32,
    },
    /// No such verification, or not alive, or of another holder, or one whose message is not sent again.
    Unknown,
}

/// A code presented for a verification.
#[derive(Clone, Debug)]
pub struct Validate {
    /// Which verification.
    pub id: VerificationId,
    /// For which row of the caller.
    pub holder: String,
    /// The code.
    pub code: SecretString,
}

/// What a presented code was worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Right, and spent by this call.
    Proved,
    /// Right, and spent before by the same holder, before the deadline.
    ProvedBefore,
    /// Wrong.
    Wrong {
        /// Wrong answers so far.
        attempts: i64,
        /// Answers left; `None` where there is no cap.
        left: Option<i64>,
    },
    /// No such verification, or not alive, or of another holder.
    Unknown,
}

/// Which verifications are to end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cancel {
    /// This one.
    Id(VerificationId),
    /// All that are for this row of the caller.
    Holder(String),
}

/// A text as databases can carry it.
pub(crate) fn without_nul<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.contains('\0') { Err(D::Error::custom("a text with NUL")) } else { Ok(text) }
}
