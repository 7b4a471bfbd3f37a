//! What production refuses: rules over a description of the settings, all of whose breaches are told at once.
//!
//! A process describes what it was given as [`ProductionFacts`] before it opens anything. The rules know no process, so the
//! all-in-one and the single services are held to the same ones.

mod connections;
mod edge;
mod files;
mod secrets;
#[cfg(test)]
mod table;

use std::fmt;
use std::net::IpAddr;

use secrecy::SecretString;

use crate::config::ConfigError;
use crate::server::{Network, Origin};
use crate::tls::Transport;

pub use files::FileFacts;
pub use secrets::{Secret, SecretKind};

/// What a process was given, as far as production asks about it.
#[derive(Clone, Debug, Default)]
pub struct ProductionFacts {
    /// The public origin as it was written; empty when none was.
    pub origin: String,
    /// Other origins whose pages may act.
    pub allowed_origins: Vec<Origin>,
    /// Whose forwarded addresses are believed.
    pub trusted_proxies: Vec<Network>,
    /// How many times the limits by address are taken, in effect.
    pub address_factor: u32,
    /// What connections between processes must be.
    pub transport: Transport,
    /// Where the process listens.
    pub listeners: Vec<ListenerFacts>,
    /// What it connects to.
    pub peers: Vec<Peer>,
    /// Its secrets.
    pub secrets: Vec<Secret>,
    /// The files that secrets are read from.
    pub secret_files: Vec<FileFacts>,
    /// The files that say whom it believes, as the public keys of its callers: no secrets.
    pub trust_files: Vec<FileFacts>,
    /// Whether text messages leave for every number there is.
    pub texts_everywhere: bool,
    /// Whether the ports of the single services answer beside the origin's.
    pub service_ports: bool,
    /// What was wrong already when the rest was gathered, as a file that cannot be read.
    pub found: Vec<Refusal>,
}

/// A listener.
#[derive(Clone, Debug)]
pub struct ListenerFacts {
    /// The setting of its address.
    pub setting: String,
    /// The address.
    pub address: IpAddr,
    /// Whether it has a certificate.
    pub encrypted: bool,
}

/// Another process that this one connects to: a sibling, a database, a broker, a cache, a mail server.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The setting of its URL.
    pub setting: String,
    /// The URL, which may hold a password; `None` where none is set.
    pub url: Option<SecretString>,
}

/// A setting that production does not take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Its name.
    pub setting: String,
    /// What is wrong. Never the value of a secret.
    pub problem: String,
    /// What to do.
    pub mend: String,
}

impl Refusal {
    /// A refusal of `setting`.
    #[must_use]
    pub fn new(setting: &str, problem: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { setting: setting.to_owned(), problem: problem.into(), mend: mend.into() }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { setting, problem, mend } = self;
        write!(f, "setting `{setting}`: {problem}; {mend}")
    }
}

impl From<ConfigError> for Refusal {
    fn from(error: ConfigError) -> Self {
        match error {
            ConfigError::Setting { setting, problem, origin } => {
                Self { setting, problem, mend: format!("it comes from {origin}") }
            }
            other => Self::new("config", other.to_string(), "`config show` lists the settings"),
        }
    }
}

/// Everything that production refuses about a process.
#[derive(Debug, thiserror::Error)]
pub struct Refused(Vec<Refusal>);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the production profile does not start with these settings:")?;
        self.0.iter().try_for_each(|refusal| write!(f, "\n  {refusal}"))
    }
}

/// Whatever the rules have against these facts; empty when a process may start with them.
#[must_use]
pub fn refusals(facts: &ProductionFacts) -> Vec<Refusal> {
    let mut all = facts.found.clone();
    for rules in [edge::refusals, connections::refusals, secrets::refusals, files::refusals] {
        all.extend(rules(facts));
    }
    all
}

/// Holds the facts to the rules.
///
/// # Errors
/// Names every setting that is refused, and what to do.
pub fn check(facts: &ProductionFacts) -> Result<(), Refused> {
    let refusals = refusals(facts);
    if refusals.is_empty() { Ok(()) } else { Err(Refused(refusals)) }
}
