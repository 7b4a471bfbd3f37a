//! SQL, and nothing else. Functions are named by what the caller wants.

pub mod answer_rows;
pub mod authenticator_rows;
pub mod backup_code_rows;
pub mod counter_rows;
pub mod delivery_rows;
pub mod dev_message_rows;
pub mod exhausted_rows;
pub mod resend_rows;
pub mod sibling_rows;
pub mod undeliverable_rows;
pub mod verification_rows;
