//! Rules about accounts: pure, without time, storage or transport of their own.

pub mod mailed_link;
pub mod password;
pub mod registration;
pub mod user;
