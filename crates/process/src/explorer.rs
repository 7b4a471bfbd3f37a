//! The pages that show the API descriptions, under `/docs/`.

use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{SwaggerUi, Url};

/// What the description of internal operations says of them all.
pub const CALLS_BETWEEN_SERVICES: &str =
    "The calls between services. A caller presents a svc+jwt; deploy/calls.toml says who may call what.";

/// A description, as the explorer shows it.
#[derive(Clone)]
pub struct Described {
    /// Its name.
    pub name: &'static str,
    /// Where it is, as `/docs/auth.json`.
    pub path: &'static str,
    /// The description.
    pub api: OpenApi,
}

/// The explorer of these descriptions.
#[must_use]
pub fn explorer(descriptions: Vec<Described>) -> SwaggerUi {
    let urls = descriptions.into_iter().map(|Described { name, path, api }| (Url::new(name, path), api));
    SwaggerUi::new("/docs/{_:.*}").urls(urls.collect())
}
