#![doc = include_str!("../README.md")]

mod address_limit;
pub mod cache;
pub mod clock;
pub mod database;
pub mod migrate;
mod pool_metrics;
mod readers;

pub use address_limit::AddressLimit;
pub use cache::{Cache, WakeUp};
pub use database::{Conn, Db, On, Session, Tx};
pub use migrate::{MigrationError, Migrations};
pub use readers::{Reader, Readers};
