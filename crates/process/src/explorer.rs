//! The pages that show the API descriptions, under `/docs/`.

use std::sync::Arc;

use actix_web::web::{self, Bytes};
use actix_web::{HttpResponse, http::header::ContentType};
use utoipa::openapi::OpenApi;
use utoipa_swagger_ui::{Config, SwaggerUi, Url};

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

/// The explorer of some descriptions. Cheap to clone: every thread of every listener has it, and a description as a tree is large.
#[derive(Clone, Debug)]
pub struct Explorer(Arc<[Page]>);

/// A description as it is sent.
#[derive(Clone, Debug)]
struct Page {
    name: &'static str,
    path: &'static str,
    json: Bytes,
}

impl Explorer {
    /// The explorer of these descriptions.
    ///
    /// # Errors
    /// When one cannot be written as JSON.
    pub fn of(descriptions: Vec<Described>) -> anyhow::Result<Self> {
        let page = |Described { name, path, api }| Ok(Page { name, path, json: api.to_json()?.into() });
        Ok(Self(descriptions.into_iter().map(page).collect::<anyhow::Result<_>>()?))
    }

    /// Adds its pages.
    pub fn configure(&self, config: &mut web::ServiceConfig) {
        for Page { path, json, .. } in self.0.iter().cloned() {
            let answer = move || {
                let json = json.clone();
                async move { HttpResponse::Ok().content_type(ContentType::json()).body(json) }
            };
            config.route(path, web::get().to(answer));
        }
        let urls = self.0.iter().map(|page| Url::new(page.name, page.path));
        config.service(SwaggerUi::new("/docs/{_:.*}").config(Config::new(urls)));
    }
}
