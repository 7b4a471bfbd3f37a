//! `tessera service-keys`: the keys that services sign their calls to each other with.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use tessera_tokens::jwk::JwkSet;
use tessera_tokens::service_key::ServiceKey;

use crate::private_files;

/// The services that call others, each with a key of its own.
const CALLERS: [&str; 2] = ["auth", "oauth"];

/// The file with the public keys of all.
pub const PUBLIC_KEYS: &str = "service-keys.json";

/// A key for each service that calls others.
#[derive(Debug)]
pub struct MadeKeys {
    /// The services, each with its private key.
    pub private: Vec<(&'static str, SecretString)>,
    /// The public halves, for all: a JWKS.
    pub public: String,
}

impl MadeKeys {
    /// Makes them.
    ///
    /// # Errors
    /// When the machine cannot.
    pub fn make() -> anyhow::Result<Self> {
        let (mut private, mut keys) = (Vec::new(), Vec::new());
        for service in CALLERS {
            let text = ServiceKey::generate(service)?;
            keys.push(ServiceKey::parse(service, &text)?.public().clone());
            private.push((service, text));
        }
        Ok(Self { private, public: serde_json::to_string_pretty(&JwkSet { keys })? + "\n" })
    }
}

/// Makes a key for each service: `<service>.service-key`, for that service alone, and the public halves for all, `service-keys.json`.
///
/// # Errors
/// When a file is there already: a key is never overwritten.
pub fn write(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let MadeKeys { private, public } = MadeKeys::make()?;
    for (service, text) in private {
        let file = folder.join(format!("{service}.service-key"));
        let mut file =
            private_files::create_new(&file).with_context(|| format!("{} cannot be made", file.display()))?;
        file.write_all(text.expose_secret().as_bytes())?;
    }
    let file = folder.join(PUBLIC_KEYS);
    std::fs::write(&file, public).with_context(|| format!("{} cannot be written", file.display()))
}
