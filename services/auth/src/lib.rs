#![doc = include_str!("../README.md")]

mod actions;
mod auth;
mod domain;
mod events;
mod hashing;
mod http;
mod outgoing;
pub mod program;
mod store;

use tessera_storage::Migrations;

pub use auth::{Auth, Enumeration, Parts, Settings};
pub use hashing::Hasher;
pub use http::endpoints;

/// The schema of this context.
pub static MIGRATIONS: Migrations = Migrations { postgres: &POSTGRES, sqlite: &SQLITE };

static POSTGRES: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");
static SQLITE: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");
