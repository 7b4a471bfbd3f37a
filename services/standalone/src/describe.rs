//! The OpenAPI descriptions: made from the handlers, written to `docs/api`, and shown at `/docs`.

use std::path::Path;

use anyhow::Context as _;
use tessera_process::explorer::Described;

/// The description of each context.
#[must_use]
pub fn descriptions() -> Vec<Described> {
    vec![
        tessera_auth::program::described(),
        tessera_sessions::program::described(),
        tessera_verify::program::described(),
        tessera_oauth::program::described(),
    ]
}

/// The description of what each context answers its siblings on the internal listeners of the four services. The all-in-one calls
/// functions.
#[must_use]
pub fn internal_descriptions() -> Vec<Described> {
    vec![
        tessera_sessions::program::internal_described(),
        tessera_verify::program::internal_described(),
        tessera_oauth::program::internal_described(),
    ]
}

/// Writes each description to `folder`.
///
/// # Errors
/// When a file cannot be written.
pub fn write(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    for Described { name, api, .. } in descriptions().into_iter().chain(internal_descriptions()) {
        let file = folder.join(format!("{name}.json"));
        let json = api.to_pretty_json()? + "\n";
        std::fs::write(&file, json).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(())
}
