//! Messaging on both engines.

#[cfg(test)]
#[macro_use]
mod support;

#[cfg(test)]
mod durable_calls;
#[cfg(test)]
mod events;
#[cfg(test)]
mod housekeeping;
#[cfg(test)]
mod rabbitmq;
#[cfg(test)]
mod traces;
#[cfg(test)]
mod trouble;
