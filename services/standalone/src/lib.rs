#![doc = include_str!("../README.md")]

pub mod compose;
pub mod data_dir;
pub mod describe;
pub mod dev_cert;
pub mod infrastructure;
pub mod routes;
pub mod serve;
pub mod service_keys;
pub mod settings;
