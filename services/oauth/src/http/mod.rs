//! HTTP: reads requests, calls actions, says the outcome as RFC 6749 has it.

mod accept;
mod client_header;
mod discovery;
mod internal;
mod jwks;
mod refusals;
mod token;

pub use internal::internal_endpoints;

use actix_web::HttpResponse;
use actix_web::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL};
use actix_web::web::Bytes;
use tessera_common::endpoints;
use tessera_common::server::Endpoints;

/// Every operation of this context on the public listener.
#[must_use]
pub fn endpoints() -> Endpoints {
    endpoints![token::post, jwks::get, discovery::get, discovery::get_by_issuer_path]
}

/// The keys for those who check access tokens: services fetch them from the internal listener, where they call everything else.
#[must_use]
pub fn key_endpoints() -> Endpoints {
    endpoints![jwks::get]
}

/// A public document: any page may read it, and caches may keep it for less than the time that a key is published ahead.
fn published(json: impl Into<Bytes>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "public, max-age=300"))
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .content_type("application/json")
        .body(json.into())
}
