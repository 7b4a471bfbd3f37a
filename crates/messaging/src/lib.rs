#![doc = include_str!("../README.md")]

pub mod backlog;
pub mod bus;
pub mod consumer;
pub mod dead_letters;
mod deliveries;
pub mod durable_call;
pub mod envelope;
mod guard;
mod in_process;
pub mod inbox;
pub mod outbox;
mod pauses;
pub mod rabbitmq;
pub mod relay;

pub use bus::{Bus, Confirmed, DeadLetter, PublishError};
pub use consumer::{ConsumeError, Consumer, Subscription};
pub use durable_call::{CallId, Dispatch, DispatchError, DurableCall, DurableCalls};
pub use envelope::{DecodeError, Envelope, Event};
pub use in_process::InProcess;
pub use outbox::Outbox;
pub use rabbitmq::{RabbitMq, RabbitMqParts, RabbitMqSettings};
pub use relay::Relay;
