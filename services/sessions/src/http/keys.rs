//! The keys that session tokens are signed with, public halves only.

use actix_web::http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, ContentType};
use actix_web::{HttpResponse, web};

use crate::sessions::Sessions;

/// The keys of session tokens.
///
/// A JWK set (RFC 7517). A key is here 15 minutes before it signs, and until the last token it signed has ended.
#[utoipa::path(
    get, path = "/.well-known/jwks.json", tag = "keys",
    responses((status = 200, description = "The key set", body = Object))
)]
pub async fn well_known(sessions: web::Data<Sessions>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(ContentType::json())
        .insert_header((CACHE_CONTROL, "public, max-age=300"))
        .insert_header((ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
        .body(sessions.keys.document())
}

/// The same for back ends of the client API, whatever they present.
#[utoipa::path(get, path = "/v1/jwks", tag = "client", responses((status = 200, description = "The key set", body = Object)))]
pub async fn alias(sessions: web::Data<Sessions>) -> HttpResponse {
    well_known(sessions).await
}
