//! `GET /oauth2/.well-known/openid-configuration` and `GET /.well-known/oauth-authorization-server/oauth2`: one document.

use actix_web::{HttpResponse, web};

use super::published;
use crate::oauth::OAuth;

/// The metadata of the authorization server, where OpenID Connect looks for it.
///
/// Issuer and addresses come from the configuration, whatever host was asked.
#[utoipa::path(
    get, path = "/oauth2/.well-known/openid-configuration", tag = "oauth",
    responses((status = 200, description = "What the server can do", content_type = "application/json"))
)]
pub async fn get(oauth: web::Data<OAuth>) -> HttpResponse {
    published(oauth.metadata.clone())
}

/// The metadata of the authorization server, where RFC 8414 looks for it.
#[utoipa::path(
    get, path = "/.well-known/oauth-authorization-server/oauth2", tag = "oauth",
    responses((status = 200, description = "What the server can do", content_type = "application/json"))
)]
pub async fn get_by_issuer_path(oauth: web::Data<OAuth>) -> HttpResponse {
    published(oauth.metadata.clone())
}
