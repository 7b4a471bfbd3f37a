//! What carries messages out of the house.

mod mailbox;
mod smtp;

use uuid::Uuid;

pub use mailbox::{Mailbox, recipient};
pub use smtp::Smtp;

use crate::domain::message::{Channel, Message};

/// The way messages leave.
#[derive(Clone, Debug)]
pub enum Sender {
    /// They do not: the dev mailbox catches them.
    Mailbox(Mailbox),
    /// A mail server takes them.
    Smtp(Smtp),
}

/// A message with its address on it.
#[derive(Debug)]
pub struct Letter {
    /// The delivery's id: the same for each repetition.
    pub id: Uuid,
    /// How it travels.
    pub channel: Channel,
    /// The address or number.
    pub destination: String,
    /// What it says.
    pub message: Message,
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Later may succeed.
    #[error("the message was not taken this time: {0}")]
    Temporary(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No repetition can succeed.
    #[error("the message was refused for good: {0}")]
    Permanent(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl Sender {
    /// Hands a message over.
    ///
    /// # Errors
    /// Whether trying again makes sense.
    pub async fn send(&self, letter: Letter) -> Result<(), SendError> {
        match self {
            Self::Mailbox(mailbox) => mailbox.catch(letter).await,
            Self::Smtp(smtp) => smtp.send(letter).await,
        }
    }
}
