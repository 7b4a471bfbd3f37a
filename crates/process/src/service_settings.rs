//! The settings of a service that is a program of its own. Where its engines are, is secret.

use std::num::NonZeroU32;

use serde::Deserialize;

/// The commented defaults, compiled in.
pub const DEFAULTS: &str = include_str!("../service.default.toml");

/// How a service uses what it shares with others.
#[derive(Clone, Debug, Deserialize)]
pub struct ServiceSettings {
    /// Begins every name on the broker and in Redis.
    pub namespace: String,
    /// The database.
    pub database: DatabaseSettings,
    /// What replicas share.
    pub redis: SharedSettings,
}

/// How the database is used.
#[derive(Clone, Debug, Deserialize)]
pub struct DatabaseSettings {
    /// Connections at most.
    pub connections: u32,
}

/// How Redis is used.
#[derive(Clone, Debug, Deserialize)]
pub struct SharedSettings {
    /// How many replicas this service has.
    pub instances: NonZeroU32,
}
