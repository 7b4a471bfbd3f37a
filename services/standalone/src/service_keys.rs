//! `tessera service-keys`: the keys that services sign their calls to each other with.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use secrecy::ExposeSecret as _;
use tessera_tokens::jwk::JwkSet;
use tessera_tokens::service_key::ServiceKey;

use crate::data_dir::new_private_file;

/// The services that call others, each with a key of its own.
pub const CALLERS: [&str; 3] = ["auth", "sessions", "oauth"];

/// The file with the public keys of all.
pub const PUBLIC_KEYS: &str = "service-keys.json";

/// Makes a key for each service: `<service>.service-key`, for that service alone, and the public halves for all, `service-keys.json`.
///
/// # Errors
/// When a file is there already: a key is never overwritten.
pub fn write(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut public = Vec::new();
    for service in CALLERS {
        let text = ServiceKey::generate(service)?;
        public.push(ServiceKey::parse(service, &text)?.public().clone());
        let file = folder.join(format!("{service}.service-key"));
        let mut file = new_private_file(&file).with_context(|| format!("{} cannot be made", file.display()))?;
        file.write_all(text.expose_secret().as_bytes())?;
    }
    let file = folder.join(PUBLIC_KEYS);
    let set = serde_json::to_string_pretty(&JwkSet { keys: public })? + "\n";
    std::fs::write(&file, set).with_context(|| format!("{} cannot be written", file.display()))
}
