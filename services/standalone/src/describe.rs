//! The OpenAPI descriptions: made from the handlers, written to `docs/api`, and shown at `/docs`.

use std::path::Path;

use anyhow::Context as _;
use tessera_common::server::Endpoints;
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{SwaggerUi, Url};

/// The description of each context, by file name.
#[must_use]
pub fn descriptions() -> Vec<(&'static str, OpenApi)> {
    let all: [(&str, &str, &str, Endpoints); 4] = [
        ("auth", "Tessera auth", "Accounts, passwords, and the flows that sign people in.", tessera_auth::endpoints()),
        ("sessions", "Tessera sessions", "Clients, sessions, and the tokens they mint.", tessera_sessions::endpoints()),
        (
            "verify",
            "Tessera verify",
            "One-time codes, and the messages that carry them.",
            tessera_verify::endpoints().and(tessera_verify::dev_endpoints()),
        ),
        ("oauth", "Tessera oauth", "Clients, access tokens, and the keys to check them.", tessera_oauth::endpoints()),
    ];
    all.into_iter().map(|(name, title, what, endpoints)| (name, endpoints.describe(title, what))).collect()
}

/// The description of what each context answers its siblings, by file name: on the internal listeners of the four services. The
/// all-in-one calls functions.
#[must_use]
pub fn internal_descriptions() -> Vec<(&'static str, OpenApi)> {
    let all: [(&str, &str, Endpoints); 3] = [
        ("internal-sessions", "Tessera sessions, for its siblings", tessera_sessions::internal_endpoints()),
        ("internal-verify", "Tessera verify, for its siblings", tessera_verify::internal_endpoints()),
        ("internal-oauth", "Tessera oauth, for its siblings", tessera_oauth::internal_endpoints()),
    ];
    let what = "The calls between services. A caller presents a svc+jwt; deploy/calls.toml says who may call what.";
    all.into_iter().map(|(name, title, endpoints)| (name, endpoints.describe(title, what))).collect()
}

/// The pages that show the descriptions, under `/docs/`.
#[must_use]
pub fn explorer() -> SwaggerUi {
    let named = descriptions().into_iter().zip([
        "/docs/auth.json",
        "/docs/sessions.json",
        "/docs/verify.json",
        "/docs/oauth.json",
    ]);
    let urls = named.map(|((name, description), url)| (Url::new(name, url), description));
    SwaggerUi::new("/docs/{_:.*}").urls(urls.collect())
}

/// Writes each description to `folder`.
///
/// # Errors
/// When a file cannot be written.
pub fn write(folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (name, description) in descriptions().into_iter().chain(internal_descriptions()) {
        let file = folder.join(format!("{name}.json"));
        let json = description.to_pretty_json()? + "\n";
        std::fs::write(&file, json).with_context(|| format!("{} cannot be written", file.display()))?;
    }
    Ok(())
}
