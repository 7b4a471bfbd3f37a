#![doc = include_str!("../README.md")]

mod address_limit;
pub mod cache;
pub mod clock;
pub mod database;
mod lender;
pub mod migrate;
mod pool_metrics;

pub use address_limit::AddressLimit;
pub use cache::{Cache, WakeUp};
pub use database::{Conn, Db, On, Session, Tx};
pub use lender::{Lender, Lent};
pub use migrate::{MigrationError, Migrations};
