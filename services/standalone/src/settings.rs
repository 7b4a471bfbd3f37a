//! The settings of the all-in-one, and the rules they must satisfy together.

use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use tessera_common::config::{ConfigError, SecretSetting};
use tessera_common::profile::Profile;
use tessera_common::random::Random;
use tessera_common::server::{EdgeSettings, Network, Origin};
use tessera_common::telemetry::LogSettings;
use tessera_common::tls::{TlsSettings, Transport};
use tessera_tokens::key_ring::KeyRing;

use crate::data_dir::DataDir;
use crate::infrastructure::Rings;

/// The commented defaults, compiled in.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// Everything that can be set.
#[derive(Clone, Debug, Deserialize)]
pub struct Settings {
    /// What the process is for.
    pub profile: Profile,
    /// Where databases and dev secrets are.
    pub data_dir: PathBuf,
    /// The address to listen on.
    pub bind: IpAddr,
    /// The public port.
    pub port: u16,
    /// Whether the services' own ports answer too.
    pub service_ports: bool,
    /// The internal port.
    pub internal_port: u16,
    /// Where browsers reach the platform; empty for localhost.
    pub origin: String,
    /// Other origins whose pages may act here.
    pub allowed_origins: Vec<Origin>,
    /// Whose forwarded addresses are believed.
    pub trusted_proxies: Vec<Network>,
    /// What connections between processes must be.
    pub transport: Transport,
    /// Certificates.
    pub tls: TlsSettings,
    /// Whether pending migrations are applied at start.
    pub migrate_on_start: bool,
    /// Threads that answer; 0 for one a core.
    pub workers: usize,
    /// Logs.
    pub log: LogSettings,
    /// Limits by address.
    pub limits: LimitSettings,
    /// auth.
    pub auth: ContextSettings<tessera_auth::Settings>,
    /// sessions.
    pub sessions: SecretSetting,
    /// verify.
    pub verify: ContextSettings<tessera_verify::Settings>,
    /// oauth.
    pub oauth: ContextSettings<tessera_oauth::Settings>,
}

/// The settings of one context: its key ring and its own.
#[derive(Clone, Debug, Deserialize)]
pub struct ContextSettings<S> {
    /// The key ring.
    #[serde(flatten)]
    pub ring: SecretSetting,
    /// The rest.
    #[serde(flatten)]
    pub own: S,
}

/// Limits by address.
#[derive(Clone, Debug, Deserialize)]
pub struct LimitSettings {
    /// How many times they are taken; 0 for the profile's own factor.
    pub address_factor: u32,
}

impl Settings {
    /// The origin, given or made from the port.
    ///
    /// # Errors
    /// When what was given is not an origin, or not one for this profile.
    pub fn origin(&self) -> Result<Origin, ConfigError> {
        let wrong = |problem: &str| ConfigError::Setting {
            setting: "origin".to_owned(),
            problem: problem.to_owned(),
            origin: "the settings".to_owned(),
        };
        let text = match self.origin.as_str() {
            "" if self.profile == Profile::Production => {
                return Err(wrong("name the https origin that browsers use, as https://id.example"));
            }
            "" if self.tls.certificate.is_empty() => format!("http://localhost:{}", self.port),
            "" => format!("https://localhost:{}", self.port),
            given => given.to_owned(),
        };
        let origin = Origin::try_from(text).map_err(|problem| wrong(&problem))?;
        if self.profile == Profile::Production && !origin.is_https() {
            return Err(wrong("production needs an https origin; end TLS at a proxy and name what browsers see"));
        }
        Ok(origin)
    }

    /// The key ring of each context: as set, or in the dev profile as made in the data folder.
    ///
    /// # Errors
    /// When one cannot be read, or is missing in production.
    pub fn rings(&self, data: &DataDir, random: &Random) -> anyhow::Result<Rings> {
        let ring = |context: &str, set: &SecretSetting| -> anyhow::Result<KeyRing> {
            let setting = format!("{context}.keys");
            let ring = match set.read(&setting)? {
                Some(ring) => ring,
                None if self.profile == Profile::Dev => data.made_ring(context, random)?,
                None => bail!("setting `{setting}`: production needs a key ring, as id:base64 with 32 random bytes"),
            };
            KeyRing::parse(&ring).with_context(|| format!("setting `{setting}`"))
        };
        Ok(Rings {
            auth: ring("auth", &self.auth.ring)?,
            sessions: ring("sessions", &self.sessions)?,
            verify: ring("verify", &self.verify.ring)?,
            oauth: ring("oauth", &self.oauth.ring)?,
        })
    }

    /// What the edge needs to know.
    #[must_use]
    pub fn edge(&self, origin: Origin) -> EdgeSettings {
        EdgeSettings {
            origin,
            allowed_origins: self.allowed_origins.clone(),
            allow_loopback_origins: self.profile == Profile::Dev,
            trusted_proxies: self.trusted_proxies.clone(),
        }
    }

    /// Whether this release can serve in this profile at all.
    ///
    /// # Errors
    /// In production: without a way to send mail, nobody could verify an address or reset a password.
    pub fn refuse_unsafe(&self) -> Result<(), ConfigError> {
        if self.profile == Profile::Production {
            return Err(ConfigError::Setting {
                setting: "profile".to_owned(),
                problem: "this release catches mail and cannot send it, so it serves in the dev profile only"
                    .to_owned(),
                origin: "the settings".to_owned(),
            });
        }
        Ok(())
    }

    /// How many times limits by address are taken.
    #[must_use]
    pub const fn address_factor(&self) -> u32 {
        match (self.limits.address_factor, self.profile) {
            (0, Profile::Dev) => 100,
            (0, Profile::Production) => 1,
            (given, _) => given,
        }
    }

    /// Threads that answer, and hashes at once.
    #[must_use]
    pub fn cores(&self) -> usize {
        match self.workers {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            given => given,
        }
    }
}
