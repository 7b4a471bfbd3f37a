//! SQL, and nothing else. Functions are named by what the caller wants.

pub mod counter_rows;
pub mod delivery_rows;
pub mod dev_message_rows;
pub mod resend_rows;
pub mod verification_rows;
