#![doc = include_str!("../README.md")]

pub mod cache;
pub mod command;
pub mod explorer;
pub mod foundation;
pub mod health;
pub mod peers;
pub mod production;
pub mod program;
pub mod serve;
pub mod service;
pub mod service_settings;
pub mod settings;
pub mod sockets;

pub use command::main;
pub use service::{Foundation, Service};
