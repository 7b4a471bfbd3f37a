//! What carries messages out of the house.

mod mailbox;
mod smtp;

use uuid::Uuid;

pub use mailbox::{Mailbox, recipient};
pub use smtp::Smtp;

use crate::domain::message::{Channel, Message};

/// The ways messages leave, one for each channel.
#[derive(Clone, Debug)]
pub struct Senders {
    /// For mail.
    pub email: Sender,
    /// For text messages.
    pub sms: Sender,
}

/// A way messages leave.
#[derive(Clone, Debug)]
pub enum Sender {
    /// They do not: the dev mailbox catches them.
    Mailbox(Mailbox),
    /// A mail server takes them.
    Smtp(Smtp),
    /// There is none: nothing may be queued for it.
    Nobody,
}

impl Senders {
    /// The dev mailbox for everything.
    #[must_use]
    pub fn caught(mailbox: &Mailbox) -> Self {
        Self { email: Sender::Mailbox(mailbox.clone()), sms: Sender::Mailbox(mailbox.clone()) }
    }

    /// The mailbox, where some channel ends in it.
    #[must_use]
    pub const fn mailbox(&self) -> Option<&Mailbox> {
        match (&self.email, &self.sms) {
            (Sender::Mailbox(mailbox), _) | (_, Sender::Mailbox(mailbox)) => Some(mailbox),
            _ => None,
        }
    }

    /// Hands a message over.
    ///
    /// # Errors
    /// Whether trying again makes sense.
    pub async fn send(&self, letter: Letter) -> Result<(), SendError> {
        match letter.channel {
            Channel::Email => self.email.send(letter).await,
            Channel::Sms => self.sms.send(letter).await,
        }
    }
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
    async fn send(&self, letter: Letter) -> Result<(), SendError> {
        match self {
            Self::Mailbox(mailbox) => mailbox.catch(letter).await,
            Self::Smtp(smtp) => smtp.send(letter).await,
            Self::Nobody => Err(SendError::Permanent("there is no provider for it".into())),
        }
    }
}
