//! The settings of the all-in-one, and the rules they must satisfy together.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use tessera_common::config::{Config, ConfigError};
use tessera_common::random::Random;
use tessera_process::settings::{self, ProcessSettings, needed_ring, ring};
use tessera_tokens::key_ring::KeyRing;

use crate::data_dir::DataDir;
use crate::infrastructure::Rings;

/// The commented defaults, compiled in: of every program, of each context, and of this one.
pub const DEFAULTS: [&str; 6] = [
    settings::DEFAULTS,
    tessera_auth::program::DEFAULTS,
    tessera_sessions::program::DEFAULTS,
    tessera_verify::program::DEFAULTS,
    tessera_oauth::program::DEFAULTS,
    include_str!("../config.default.toml"),
];

/// Everything that can be set.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What every program is told.
    pub process: ProcessSettings,
    /// This one's own.
    pub own: OwnSettings,
    /// auth's.
    pub auth: tessera_auth::Settings,
    /// verify's.
    pub verify: tessera_verify::Settings,
    /// oauth's.
    pub oauth: tessera_oauth::Settings,
}

/// What only the all-in-one is told.
#[derive(Clone, Debug, Deserialize)]
pub struct OwnSettings {
    /// Where databases and dev secrets are.
    pub data_dir: PathBuf,
    /// Whether the services' own ports answer too.
    pub service_ports: bool,
}

/// Layers the settings: the defaults, a file, the environment.
///
/// # Errors
/// As [`Config::layer`].
pub fn layer(
    file: Option<&Path>,
    variables: impl IntoIterator<Item = (String, String)>,
) -> Result<Config, ConfigError> {
    Config::layer(&DEFAULTS, file, variables)
}

impl Settings {
    /// Reads them.
    ///
    /// # Errors
    /// Names the first that does not fit.
    pub fn read(config: &Config) -> Result<Self, ConfigError> {
        Ok(Self {
            process: config.read()?,
            own: config.read()?,
            auth: config.read_section("auth")?,
            verify: config.read_section("verify")?,
            oauth: config.read_section("oauth")?,
        })
    }
}

/// The key ring of each context: as set, or in the dev profile as made in the data folder.
///
/// # Errors
/// When one cannot be read, or is missing in production.
pub fn rings(config: &Config, process: &ProcessSettings, data: &DataDir, random: &Random) -> anyhow::Result<Rings> {
    let of = |context: &str| -> anyhow::Result<KeyRing> {
        match ring(config, context)? {
            Some(ring) => Ok(ring),
            None if process.is_dev() => Ok(KeyRing::parse(&data.made_ring(context, random)?)?),
            None => needed_ring(config, context),
        }
    };
    Ok(Rings { auth: of("auth")?, sessions: of("sessions")?, verify: of("verify")?, oauth: of("oauth")? })
}
