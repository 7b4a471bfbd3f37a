#![doc = include_str!("../README.md")]

pub mod call;
pub mod email_address;
pub mod events;
pub mod http;
pub mod ids;
pub mod oauth;
pub mod phone_number;
pub mod sessions;
pub mod sibling;
pub mod subscriptions;
pub mod verify;
