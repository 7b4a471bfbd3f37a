//! What verify does for its siblings (tenant `platform`).

use std::collections::BTreeMap;

use async_trait::async_trait;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use tessera_common::clock::Timestamp;
use utoipa::ToSchema;

use crate::call::CallError;
use crate::ids::{UserId, VerificationId};

/// One-time secrets: verify makes, keeps, counts and delivers them; the effect belongs to whoever asked.
#[async_trait]
pub trait VerifyApi: Send + Sync + std::fmt::Debug {
    /// Starts a verification and queues its message. A live verification of that id and holder is answered again, and nothing is sent.
    ///
    /// # Errors
    /// [`CallError`] when verify could not commit it.
    async fn initiate(&self, initiate: Initiate) -> Result<Initiated, CallError>;

    /// Compares a code and, if it is right, spends the verification for its holder. The attempt is counted, and committed, first.
    ///
    /// # Errors
    /// [`CallError`]; whether the attempt was counted is then not known.
    async fn validate(&self, validate: Validate) -> Result<Verdict, CallError>;

    /// Ends a live verification. Repeats are harmless.
    ///
    /// # Errors
    /// [`CallError`].
    async fn cancel(&self, id: VerificationId) -> Result<(), CallError>;
}

/// What a verification is to be.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Initiate {
    /// Chosen by the caller, in its own transaction.
    pub id: VerificationId,
    /// The caller's row that the proof is for.
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
}

/// A message of the platform, by name; its text is verify's.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Message {
    /// Which one.
    pub name: MessageName,
    /// In which language, if one is known (BCP 47).
    pub locale: Option<String>,
    /// What its places are filled with. A mailed link is `link`, to which the token is appended.
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
