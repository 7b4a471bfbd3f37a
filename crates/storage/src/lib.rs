#![doc = include_str!("../README.md")]

pub mod clock;
pub mod database;
pub mod migrate;

pub use database::{Conn, Db, On, Session, Tx};
pub use migrate::{MigrationError, Migrations};
