#![doc = include_str!("../README.md")]

mod actions;
mod domain;
mod events;
mod http;
mod messages;
pub mod program;
mod provides;
mod senders;
mod store;
mod verify;
mod workers;

use tessera_storage::Migrations;

pub use domain::allowed_prefixes::AllowedPrefixes;
pub use http::{dev_endpoints, endpoints, internal_endpoints};
pub use provides::ForSibling;
pub use senders::{Mailbox, Sender, Senders, SmsProvider, Smtp};
pub use verify::{Parts, Settings, SmsSettings, Verify};

/// The schema of this context.
pub static MIGRATIONS: Migrations = Migrations { postgres: &POSTGRES, sqlite: &SQLITE };

static POSTGRES: sqlx::migrate::Migrator = sqlx::migrate!("migrations/postgres");
static SQLITE: sqlx::migrate::Migrator = sqlx::migrate!("migrations/sqlite");
