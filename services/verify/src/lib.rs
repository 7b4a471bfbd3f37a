#![doc = include_str!("../README.md")]

mod actions;
mod domain;
mod http;
mod messages;
mod provides;
mod senders;
mod store;
mod verify;
mod workers;

use tessera_storage::Migrations;

pub use http::{dev_endpoints, endpoints, internal_endpoints};
pub use senders::{Mailbox, Sender};
pub use verify::{Parts, Settings, Verify};

/// The schema of this context.
pub static MIGRATIONS: Migrations = Migrations { postgres: &POSTGRES, sqlite: &SQLITE };

static POSTGRES: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");
static SQLITE: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");
