//! What is sent: a `CloudEvents` envelope around a protocol-buffers body.

use tessera_common::clock::Timestamp;
use uuid::Uuid;

/// One message, the same on each of its deliveries.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Envelope {
    /// The id of the outbox row; stays the same on every repetition (`id`).
    pub id: Uuid,
    /// The publishing service (`source`).
    pub source: String,
    /// The full name of the event's message (`type`), which is also the routing key.
    pub event_type: String,
    /// The entity whose state the body carries (`subject`).
    pub aggregate: Uuid,
    /// The version of that entity; consumers apply only newer ones.
    pub version: i64,
    /// When it happened (`time`).
    #[sqlx(rename = "happened_at")]
    pub time: Timestamp,
    /// The W3C `traceparent` of the request that caused it.
    pub trace: Option<String>,
    /// The event, encoded.
    pub body: Vec<u8>,
}

/// A published event: the whole public state of an aggregate after a change.
pub trait Event: prost::Message + Default {
    /// The full name of the message, with its package, which carries the version of the language.
    const TYPE: &'static str;

    /// The entity whose state this is.
    fn aggregate(&self) -> Uuid;

    /// The entity's version; rises with every event of it.
    fn version(&self) -> i64;
}

/// Why an envelope is not the event that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// It carries another type.
    #[error("the envelope carries {found}, not {wanted}")]
    OtherType {
        /// What was asked for.
        wanted: &'static str,
        /// What it is.
        found: String,
    },
    /// The body cannot be read.
    #[error("the body cannot be read: {0}")]
    Body(#[from] prost::DecodeError),
}

impl Envelope {
    /// The event inside.
    ///
    /// # Errors
    /// When the envelope carries another type, or bytes that are not one of this type.
    pub fn decode<E: Event>(&self) -> Result<E, DecodeError> {
        if self.event_type != E::TYPE {
            return Err(DecodeError::OtherType { wanted: E::TYPE, found: self.event_type.clone() });
        }
        Ok(E::decode(self.body.as_slice())?)
    }
}
