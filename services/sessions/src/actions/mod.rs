//! What can be done, one use case a file: load, decide, save and emit in one transaction.

pub mod begin_sign_in;
pub mod cut;
pub mod end;
pub mod list;
pub mod mint;
pub mod resolve;
pub mod show_client;
pub mod standing;
