#![doc = include_str!("../README.md")]

pub mod clock;
pub mod config;
pub mod dialect;
pub mod ids;
pub mod random;
pub mod server;
pub mod telemetry;

#[doc(hidden)]
pub use pastey as __pastey;
#[doc(hidden)]
pub use utoipa as __utoipa;
