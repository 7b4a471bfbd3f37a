#![doc = include_str!("../README.md")]

pub mod compose;
pub mod data_dir;
pub mod describe;
pub mod dev_cert;
pub mod dev_secrets;
pub mod gateway;
pub mod infrastructure;
pub mod private_files;
pub mod routes;
pub mod serve;
pub mod service_keys;
pub mod settings;
