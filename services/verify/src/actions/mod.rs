//! What can be done, one use case a file: load, decide, save and queue in one transaction.

pub mod attempt;
pub mod count_message;
pub mod delete;
pub mod deliver;
pub mod find;
pub mod initiate;
pub mod mailbox;
pub mod measure;
pub mod platform;
pub mod queue;
pub mod resend;
pub mod sweep;
