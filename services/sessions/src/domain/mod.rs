//! Rules about clients, sign-ins and sessions: pure, without time, storage or transport of their own.

pub mod client;
pub mod person;
pub mod session;
