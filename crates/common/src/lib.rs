#![doc = include_str!("../README.md")]

pub mod clock;
pub mod config;
pub mod dialect;
pub mod hex;
pub mod ids;
pub mod production;
pub mod profile;
pub mod random;
pub mod server;
pub mod telemetry;
pub mod tls;

#[doc(hidden)]
pub use pastey as __pastey;
#[doc(hidden)]
pub use utoipa as __utoipa;
