//! What carries messages out of the house.

mod mail_server;
mod mailbox;
mod sms_provider;
mod smtp;

use uuid::Uuid;

pub use mailbox::{Mailbox, recipient};
pub use sms_provider::SmsProvider;
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
    /// A provider of text messages takes them.
    SmsProvider(SmsProvider),
    /// There is none, and nothing is begun that would need it.
    Nobody,
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

/// Why a message was not taken, in words of our own: what a provider says may have the recipient in it.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// The provider takes nothing now; nothing is said about the message.
    #[error("{0}")]
    Unavailable(String),
    /// The provider does not take this message now.
    #[error("{0}")]
    Deferred(String),
    /// Nobody knows whether it was taken.
    #[error("{0}")]
    Lost(String),
    /// No repetition can succeed.
    #[error("{0}")]
    Refused(String),
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
    /// What is known of its fate, and so whether trying again makes sense.
    pub async fn send(&self, letter: Letter) -> Result<(), SendError> {
        match letter.channel {
            Channel::Email => self.email.send(letter).await,
            Channel::Sms => self.sms.send(letter).await,
        }
    }
}

impl Sender {
    async fn send(&self, letter: Letter) -> Result<(), SendError> {
        match self {
            Self::Mailbox(mailbox) => mailbox.catch(letter).await,
            Self::Smtp(smtp) => smtp.send(letter).await,
            Self::SmsProvider(provider) => provider.send(&letter).await,
            Self::Nobody => Err(SendError::Unavailable("there is no provider".to_owned())),
        }
    }
}
