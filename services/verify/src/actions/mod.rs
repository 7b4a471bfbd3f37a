//! What can be done, one use case a file: load, decide, save and queue in one transaction.

pub mod attempt;
pub mod authenticators;
pub mod backup_codes;
pub mod consumer;
pub mod count_message;
pub mod delete;
pub mod deliver;
pub mod exhaust;
pub mod find;
pub mod initiate;
pub mod lane;
pub mod mailbox;
pub mod measure;
pub mod open_without_code;
pub mod platform;
pub mod platform_answer;
pub mod platform_authenticator;
pub mod platform_backup_codes;
pub mod platform_resend;
pub mod proof;
pub mod queue;
pub mod resend;
pub mod sealed_message;
pub mod sweep;
pub mod tally;
