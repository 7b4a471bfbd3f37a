//! `/identity/email_verification`: asking for the mail, and following its link.

use actix_web::http::StatusCode;
use actix_web::http::header::{ACCEPT, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde::Deserialize;
use tessera_common::dialect::Accident;
use tessera_common::dialect::accounts::Refusal;
use tessera_common::server::Caller;
use tessera_contracts::call::Failure;
use utoipa::IntoParams;

use super::caller::SignedIn;
use crate::actions::request_verification::request_verification;
use crate::actions::verify_email::verify_email;
use crate::auth::Auth;

const INVALID: &str = "That email verification link is invalid";

/// Mail a link that verifies the caller's address.
///
/// Also when it is verified already. At most one mail in 30 seconds and five in an hour.
#[utoipa::path(
    post, path = "/identity/email_verification", tag = "accounts", security(("session_token" = [])),
    responses(
        (status = 204, description = "The mail is on its way"),
        (status = 401, description = "No session token, or one that is worth nothing"),
        (status = 429, description = "Too many mails"),
    )
)]
pub async fn post(auth: web::Data<Auth>, signed_in: SignedIn, caller: Caller) -> Result<HttpResponse, Refusal> {
    auth.limits.mails.count(&caller).await?;
    match request_verification(&auth, signed_in.session.user).await.map_err(Failure::accident)? {
        Ok(()) => Ok(HttpResponse::NoContent().finish()),
        Err(limited) => Err(Refusal::Limited(limited)),
    }
}

/// What a mailed link carries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LinkParams {
    /// The address that the link was mailed for.
    email: Option<String>,
    /// The link's token.
    token: Option<String>,
    /// The same under its later name.
    sid: Option<String>,
}

/// Verify an address by a mailed link.
///
/// No session is needed and none is opened. The same link works again until it expires. Callers that take HTML get a page.
#[utoipa::path(
    get, path = "/identity/email_verification", tag = "accounts", params(LinkParams),
    responses(
        (status = 204, description = "The address is verified"),
        (status = 400, description = "The link is invalid: bad, expired, or for another address"),
    )
)]
pub async fn get(auth: web::Data<Auth>, request: HttpRequest, caller: Caller) -> Result<HttpResponse, Refusal> {
    let params =
        web::Query::<LinkParams>::from_query(request.query_string()).map_err(|_| Accident::Malformed)?.into_inner();
    let token = params.token.or(params.sid).unwrap_or_default().into();
    let verified = verify_email(&auth, &token, params.email.as_deref(), &caller).await.map_err(Failure::accident)?;
    match (verified, takes_html(&request)) {
        (true, false) => Ok(HttpResponse::NoContent().finish()),
        (false, false) => Err(Refusal::Sentence(StatusCode::BAD_REQUEST, INVALID)),
        (verified, true) => page(verified),
    }
}

/// Verify an address by a mailed link, under the path that older mails have.
#[utoipa::path(
    get, path = "/identity/email_verification/edit", tag = "accounts", params(LinkParams),
    responses((status = 204, description = "The address is verified"), (status = 400, description = "The link is invalid"))
)]
pub async fn edit(auth: web::Data<Auth>, request: HttpRequest, caller: Caller) -> Result<HttpResponse, Refusal> {
    get(auth, request, caller).await
}

fn takes_html(request: &HttpRequest) -> bool {
    request
        .headers()
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/html"))
}

#[derive(Template)]
#[template(path = "email_verification.html")]
struct Page {
    verified: bool,
}

/// The outcome for a person. The token is in the address bar, so the page links nowhere else and sends no referrer.
fn page(verified: bool) -> Result<HttpResponse, Refusal> {
    let html = Page { verified }.render().map_err(|error| Accident::Internal(Box::new(error)))?;
    let status = if verified { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let policy = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'";
    Ok(HttpResponse::build(status)
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, policy))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .body(html))
}
