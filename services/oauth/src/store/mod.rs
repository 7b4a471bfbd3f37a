//! SQL, and nothing else. Functions are named by what the caller wants.

pub mod client_rows;
pub mod secret_rows;
