//! SQL, and nothing else. Functions are named by what the caller wants.
//!
//! Rows are locked in one order: the user's floor, then sessions, then the client.

pub mod client_rows;
pub mod floor_rows;
pub mod person_rows;
pub mod presented_rows;
pub mod session_changes;
pub mod session_rows;
pub mod sign_in_rows;
