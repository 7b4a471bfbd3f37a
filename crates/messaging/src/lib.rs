#![doc = include_str!("../README.md")]

pub mod bus;
pub mod dead_letters;
mod deliveries;
pub mod durable_call;
pub mod envelope;
mod guard;
pub mod inbox;
pub mod outbox;
mod pauses;
pub mod relay;

pub use bus::{Bus, Confirmed, ConsumeError, Consumer, DeadLetter, PublishError};
pub use durable_call::{CallId, Dispatch, DispatchError, DurableCall, DurableCalls};
pub use envelope::{DecodeError, Envelope, Event};
pub use outbox::Outbox;
pub use relay::Relay;
