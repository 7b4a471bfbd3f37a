//! What contexts tell each other: the messages of `proto/tessera/events/v1`.
//!
//! An event carries the whole public state of its aggregate and its version; consumers apply only newer ones. Make one with its
//! `new`, which keeps the event's id and version equal to those of the state inside.

#[cfg(test)]
mod compatibility;
mod generated {
    include!(concat!(env!("OUT_DIR"), "/tessera.events.v1.rs"));
}

use tessera_common::clock::Timestamp;
use tessera_messaging::Event;
use uuid::Uuid;

pub use generated::{
    Delivery, DeliveryFailed, EmailVerified, PasswordChanged, Session, SessionEnded, SessionStarted, User,
    UserRegistered, Verification, VerificationExhausted,
};

/// Who did it, as far as others may know.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actor {
    /// The user agent of the request.
    pub user_agent: Option<String>,
    /// The address the request came from.
    pub ip_address: Option<String>,
}

/// Implements [`Event`] for messages that carry the id (a UUID as text) and version of their aggregate.
macro_rules! events {
    ($($message:ident),+ $(,)?) => {$(
        impl Event for $message {
            const TYPE: &'static str = concat!("tessera.events.v1.", stringify!($message));

            /// The id; the nil UUID when the message was not made by its `new` from a UUID.
            fn aggregate(&self) -> Uuid {
                self.id.parse().unwrap_or_default()
            }

            fn version(&self) -> i64 {
                self.version
            }
        }
    )+};
}

/// Implements `new` for the events of a user.
macro_rules! of_a_user {
    ($($message:ident),+ $(,)?) => {$(
        impl $message {
            /// The event that leaves `user` behind.
            #[must_use]
            pub fn new(user: User, by: Actor, at: Timestamp) -> Self {
                Self {
                    id: user.id.clone(),
                    version: user.version,
                    user: Some(user),
                    user_agent: by.user_agent,
                    ip_address: by.ip_address,
                    occurred_at: at.timestamp_micros(),
                }
            }
        }
    )+};
}

/// Implements `new` for the events of a session.
macro_rules! of_a_session {
    ($($message:ident),+ $(,)?) => {$(
        impl $message {
            /// The event that leaves `session` behind.
            #[must_use]
            pub fn new(session: Session, at: Timestamp) -> Self {
                Self {
                    id: session.id.clone(),
                    version: session.version,
                    session: Some(session),
                    occurred_at: at.timestamp_micros(),
                }
            }
        }
    )+};
}

events!(
    UserRegistered,
    EmailVerified,
    PasswordChanged,
    SessionStarted,
    SessionEnded,
    DeliveryFailed,
    VerificationExhausted,
);
of_a_user!(UserRegistered, EmailVerified, PasswordChanged);
of_a_session!(SessionStarted, SessionEnded);

impl DeliveryFailed {
    /// The event that leaves `delivery` behind. It has one end, so there is one version.
    #[must_use]
    pub fn new(delivery: Delivery, at: Timestamp) -> Self {
        Self { id: delivery.id.clone(), version: 1, delivery: Some(delivery), occurred_at: at.timestamp_micros() }
    }
}

impl VerificationExhausted {
    /// The event that ends a generation of the verification in `row`: its id may be used again.
    #[must_use]
    pub fn new(row: Uuid, generation: i64, verification: Verification, at: Timestamp) -> Self {
        let occurred_at = at.timestamp_micros();
        Self { id: row.to_string(), version: generation, verification: Some(verification), occurred_at }
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;
    use tessera_common::clock::Clock;

    use super::*;

    #[test]
    fn an_event_tells_the_aggregate_and_version_of_its_state() {
        let id = Uuid::from_u128(7);
        let user = User { id: id.to_string(), version: 3, ..User::default() };
        let event = PasswordChanged::new(user.clone(), Actor::default(), Clock::machine().now());
        assert_eq!((event.aggregate(), event.version()), (id, 3));
        let read = PasswordChanged::decode(event.encode_to_vec().as_slice()).unwrap();
        assert_eq!(read.user, Some(user));
    }

    #[test]
    fn types_are_the_full_names_of_the_messages() {
        assert_eq!(SessionEnded::TYPE, "tessera.events.v1.SessionEnded");
        assert_eq!(UserRegistered::TYPE, "tessera.events.v1.UserRegistered");
    }
}
