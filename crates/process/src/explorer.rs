//! The pages that show the API descriptions, under `/docs/`.

use std::sync::Arc;

use actix_web::web::{self, Bytes};
use actix_web::{HttpResponse, http::header::ContentType};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi, Url};

/// What the description of internal operations says of them all.
pub const CALLS_BETWEEN_SERVICES: &str =
    "The calls between services. A caller presents a svc+jwt; deploy/calls.toml says who may call what.";

/// The public descriptions on the one origin: behind a gateway each service answers its own.
const PUBLIC: [(&str, &str); 4] = [
    ("auth", "/docs/auth.json"),
    ("sessions", "/docs/sessions.json"),
    ("verify", "/docs/verify.json"),
    ("oauth", "/docs/oauth.json"),
];

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

/// The explorer of some descriptions. Cheap to clone: every thread of every listener has it, and a description as a tree is large.
#[derive(Clone, Debug)]
pub struct Explorer {
    pages: Arc<[Page]>,
    /// What can be chosen: names and paths.
    listed: Arc<[(&'static str, &'static str)]>,
}

/// A description as it is sent.
#[derive(Clone, Debug)]
struct Page {
    path: &'static str,
    json: Bytes,
}

impl Explorer {
    /// The explorer of these descriptions.
    ///
    /// # Errors
    /// When one cannot be written as JSON.
    pub fn of(descriptions: Vec<Described>) -> anyhow::Result<Self> {
        let listed = descriptions.iter().map(|described| (described.name, described.path)).collect();
        let page = |Described { path, api, .. }| Ok(Page { path, json: api.to_json()?.into() });
        Ok(Self { pages: descriptions.into_iter().map(page).collect::<anyhow::Result<_>>()?, listed })
    }

    /// The explorer of the whole platform on a service's public listener: of these descriptions it answers the public ones itself.
    ///
    /// # Errors
    /// As [`Explorer::of`].
    pub fn of_platform(mut descriptions: Vec<Described>) -> anyhow::Result<Self> {
        descriptions.retain(|described| PUBLIC.iter().any(|(_, path)| *path == described.path));
        Ok(Self { listed: PUBLIC.into(), ..Self::of(descriptions)? })
    }

    /// Adds its pages.
    pub fn configure(&self, config: &mut web::ServiceConfig) {
        for Page { path, json } in self.pages.iter().cloned() {
            let answer = move || {
                let json = json.clone();
                async move { HttpResponse::Ok().content_type(ContentType::json()).body(json) }
            };
            config.route(path, web::get().to(answer));
        }
        let urls = self.listed.iter().map(|(name, path)| Url::new(name, path));
        config.service(SwaggerUi::new("/docs/{_:.*}").config(Config::new(urls)));
    }
}
