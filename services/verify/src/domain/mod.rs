//! Rules of one-time secrets: pure, without time, storage or transport of their own.

pub mod allowed_prefixes;
pub mod authenticator;
pub mod backup_code;
pub mod breaker;
pub mod code;
pub mod counting;
pub mod lifetime;
pub mod message;
pub mod method;
pub mod patience;
pub mod plain_text;
pub mod purpose_group;
pub mod recipient;
pub mod template;
pub mod verification;
