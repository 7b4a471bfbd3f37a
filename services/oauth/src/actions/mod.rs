//! What can be done, one use case a file.

pub mod authenticate_client;
pub mod bootstrap_dev;
pub mod find_application;
pub mod issue_first_party;
pub mod issue_own_token;
pub mod usable_dev_client;

mod sign_access_token;
