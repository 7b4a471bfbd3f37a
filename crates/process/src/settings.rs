//! The settings that every program has, and the rules they must satisfy together.

use std::net::IpAddr;
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use tessera_common::config::{Config, ConfigError};
use tessera_common::profile::Profile;
use tessera_common::server::{EdgeSettings, Network, Origin};
use tessera_common::telemetry::{LogSettings, TelemetrySettings};
use tessera_common::tls::{TlsSettings, Transport, Trust};
use tessera_tokens::key_ring::KeyRing;

/// The commented defaults, compiled in.
pub const DEFAULTS: &str = include_str!("../process.default.toml");

/// What every program is told.
#[derive(Clone, Debug, Deserialize)]
pub struct ProcessSettings {
    /// What the process is for.
    pub profile: Profile,
    /// The address to listen on.
    pub bind: IpAddr,
    /// The public port.
    pub port: u16,
    /// The internal port.
    pub internal_port: u16,
    /// Where browsers reach the platform; empty for localhost.
    pub origin: String,
    /// Other origins whose pages may act here.
    pub allowed_origins: Vec<Origin>,
    /// Whose forwarded addresses, and whose `traceparent`, are believed.
    pub trusted_proxies: Vec<Network>,
    /// What connections between processes must be.
    pub transport: Transport,
    /// Certificates.
    pub tls: TlsSettings,
    /// Whether pending migrations are applied at start.
    pub migrate_on_start: bool,
    /// Threads that answer; 0 for one a core.
    pub workers: usize,
    /// Seconds from not being ready any more to the end of listening.
    pub drain_s: u64,
    /// Logs.
    pub log: LogSettings,
    /// Traces and metrics.
    pub telemetry: TelemetrySettings,
    /// Limits by address.
    pub limits: LimitSettings,
}

/// Limits by address.
#[derive(Clone, Debug, Deserialize)]
pub struct LimitSettings {
    /// How many times they are taken; 0 for the profile's own factor.
    pub address_factor: u32,
}

impl ProcessSettings {
    /// Whether this is a person's own machine.
    #[must_use]
    pub fn is_dev(&self) -> bool {
        self.profile == Profile::Dev
    }

    /// The origin: as set, or localhost at `port`.
    ///
    /// # Errors
    /// When what was given is not an origin.
    pub fn origin(&self, port: u16) -> Result<Origin, ConfigError> {
        let scheme = if self.tls.certificate.is_empty() { "http" } else { "https" };
        let text = match self.origin.as_str() {
            "" => format!("{scheme}://localhost:{port}"),
            given => given.to_owned(),
        };
        Origin::try_from(text).map_err(|problem| ConfigError::Setting {
            setting: "origin".to_owned(),
            problem,
            origin: "the settings".to_owned(),
        })
    }

    /// Whom connections to other processes trust, and whether they may be plain.
    ///
    /// # Errors
    /// When the file of authorities cannot be read or holds none.
    pub fn trust(&self) -> Result<Trust, ConfigError> {
        self.tls.trust(self.transport, self.profile)
    }

    /// What the edge needs to know.
    #[must_use]
    pub fn edge(&self, origin: Origin) -> EdgeSettings {
        EdgeSettings {
            origin,
            allowed_origins: self.allowed_origins.clone(),
            allow_loopback_origins: self.is_dev(),
            trusted_proxies: self.trusted_proxies.clone(),
            callers_are_ours: false,
        }
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

    /// From not being ready any more to the end of listening.
    #[must_use]
    pub const fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_s)
    }
}

/// The key ring of `context`; `None` where none is set.
///
/// # Errors
/// When what is set cannot be read.
pub fn ring(config: &Config, context: &str) -> anyhow::Result<Option<KeyRing>> {
    let setting = format!("{context}.keys");
    let Some(ring) = config.secret(&setting)? else { return Ok(None) };
    KeyRing::parse(&ring).map(Some).with_context(|| format!("setting `{setting}`"))
}

/// The key ring of `context`, which must be set.
///
/// # Errors
/// When it is not, or cannot be read.
pub fn needed_ring(config: &Config, context: &str) -> anyhow::Result<KeyRing> {
    match ring(config, context)? {
        Some(ring) => Ok(ring),
        None => bail!("setting `{context}.keys`: a key ring is needed, as id:base64 with 32 random bytes"),
    }
}
