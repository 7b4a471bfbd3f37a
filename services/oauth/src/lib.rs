#![doc = include_str!("../README.md")]

mod actions;
mod domain;
mod failure_budget;
mod http;
mod oauth;
mod provides;
mod store;

use tessera_storage::Migrations;

pub use http::{endpoints, internal_endpoints};
pub use oauth::{OAuth, Parts, Settings, issuer, open_keys};

/// The schema of this context.
pub static MIGRATIONS: Migrations = Migrations { postgres: &POSTGRES, sqlite: &SQLITE };

static POSTGRES: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");
static SQLITE: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");
