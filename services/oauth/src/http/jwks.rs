//! `GET /oauth2/jwks`.

use actix_web::{HttpResponse, web};

use super::published;
use crate::oauth::OAuth;

/// The public keys that tokens of this issuer are checked with.
#[utoipa::path(
    get, path = "/oauth2/jwks", tag = "oauth",
    responses((status = 200, description = "A JWK set (RFC 7517)", content_type = "application/json"))
)]
pub async fn get(oauth: web::Data<OAuth>) -> HttpResponse {
    published(oauth.keys.document())
}
