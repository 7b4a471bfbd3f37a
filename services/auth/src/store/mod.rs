//! SQL, and nothing else. Functions are named by what the caller wants.

pub mod account_event_rows;
pub mod attempt_rows;
pub mod mailed_link_rows;
pub mod user_rows;
