#![doc = include_str!("../README.md")]

pub mod access_token;
pub mod bearer;
pub mod client_cookie;
pub mod jwk;
pub mod jwt;
pub mod key_ring;
pub mod opaque;
pub mod service_key;
pub mod service_token;
pub mod signing_keys;

mod kept_keys;
