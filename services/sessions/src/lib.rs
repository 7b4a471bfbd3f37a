#![doc = include_str!("../README.md")]

mod actions;
mod domain;
mod events;
mod http;
mod provides;
mod sessions;
mod store;

use tessera_storage::Migrations;

pub use http::{endpoints, internal_endpoints};
pub use sessions::{Parts, Sessions};

/// The schema of this context.
pub static MIGRATIONS: Migrations = Migrations { postgres: &POSTGRES, sqlite: &SQLITE };

static POSTGRES: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");
static SQLITE: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");
