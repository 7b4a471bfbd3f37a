//! `GET /sessions/version`: the release, for anybody.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use serde::Serialize;
use tessera_common::dialect::json;
use utoipa::ToSchema;

/// The release, and nothing else about the build.
#[derive(Debug, Serialize, ToSchema)]
pub struct Version {
    /// Its number.
    #[schema(example = "0.1.0")]
    version: &'static str,
}

/// The release of this program.
///
/// Not the version of the API, which its paths and media types carry.
#[utoipa::path(
    get, path = "/sessions/version", tag = "approval",
    responses((status = 200, description = "The release", body = Version))
)]
pub async fn get() -> HttpResponse {
    let mut answer = json(StatusCode::OK, &Version { version: env!("CARGO_PKG_VERSION") });
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    answer
}

/// The same under its other name.
#[utoipa::path(
    get, path = "/sessions/api-version", tag = "approval",
    responses((status = 200, description = "The release", body = Version))
)]
pub async fn alias() -> HttpResponse {
    get().await
}
