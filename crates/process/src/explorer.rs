//! The pages that show the API descriptions, under `/docs/`.

use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{SwaggerUi, Url};

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
