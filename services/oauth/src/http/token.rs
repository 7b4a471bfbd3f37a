//! `POST /oauth2/token`.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, PRAGMA};
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use tessera_common::dialect::oauth::Refusal;
use tessera_common::dialect::{Accident, json};
use tessera_common::server::{Body, Caller};
use utoipa::ToSchema;

use super::accept::prefers_plain;
use super::client_header::client_header;
use super::refusals::{not_authenticated, not_issued, not_one_method, unreadable};
use crate::actions::authenticate_client::authenticate_client;
use crate::actions::issue_own_token::{IssuedToken, issue_own_token};
use crate::domain::client::OAuthClient;
use crate::domain::client_authentication::Presented;
use crate::domain::token_request::TokenRequest;
use crate::oauth::OAuth;

/// What to send, as a form. Each name may also be spelt in camelCase, as `grantType`; none may be there twice.
#[derive(Debug, ToSchema)]
#[expect(dead_code, reason = "describes the form; it is read by TokenRequest")]
pub struct TokenParams {
    /// The grant.
    #[schema(example = "client_credentials")]
    grant_type: String,
    /// Scopes, separated by blanks. Without it: all that the client may hold in a token of its own.
    #[schema(example = "verify")]
    scope: Option<String>,
    /// The resource that the token is for (RFC 8707); may be repeated. Without it: those that the scopes open.
    #[schema(example = "http://localhost:8000/methods")]
    resource: Option<String>,
    /// The client, if it is not in the `Authorization` header.
    #[schema(example = "tessera-dev")]
    client_id: Option<String>,
    /// Its secret, if it is not in the `Authorization` header.
    #[schema(example = "tessera-dev-secret")]
    client_secret: Option<String>,
}

/// An access token (RFC 6749, 5.1). The members in camelCase are there if the request used such a name.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenAnswer {
    /// The token.
    access_token: String,
    /// `Bearer`.
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Its life, in seconds.
    #[schema(example = 300)]
    expires_in: i64,
    /// What was granted.
    #[schema(example = "verify")]
    scope: String,
    #[serde(flatten)]
    #[schema(inline)]
    mirrored: Option<Mirrored>,
}

/// The same again, in camelCase.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Mirrored {
    access_token: String,
    token_type: &'static str,
    expires_in: i64,
}

impl TokenAnswer {
    fn new(token: &IssuedToken, is_camel_case: bool) -> Self {
        let (access_token, expires_in) = (token.access_token.expose_secret().to_owned(), token.expires_in);
        let mirrored =
            is_camel_case.then(|| Mirrored { access_token: access_token.clone(), token_type: "Bearer", expires_in });
        Self { access_token, token_type: "Bearer", expires_in, scope: token.scope.clone(), mirrored }
    }
}

/// Get an access token.
#[utoipa::path(
    post, path = "/oauth2/token", tag = "oauth",
    request_body(content = TokenParams, content_type = "application/x-www-form-urlencoded"),
    responses(
        (status = 200, description = "A token", body = TokenAnswer),
        (status = 400, description = "`invalid_request`, `invalid_scope`, `invalid_target`, `unauthorized_client` or `unsupported_grant_type`"),
        (status = 401, description = "`invalid_client`: unknown, disabled, or not proved"),
    )
)]
pub async fn post(
    oauth: web::Data<OAuth>,
    caller: Caller,
    request: HttpRequest,
    body: Body,
) -> Result<HttpResponse, Refusal> {
    issue(&oauth, &caller, &request, &body).await.map_err(|refusal| refusal.prefer_plain(prefers_plain(&request)))
}

async fn issue(oauth: &OAuth, caller: &Caller, request: &HttpRequest, body: &Body) -> Result<HttpResponse, Refusal> {
    let form = read(body)?;
    form.grant().map_err(unreadable)?;
    let client = authenticated(oauth, caller, request, &form).await?;
    let token = issue_own_token(oauth, &client, &form).map_err(not_issued)?;
    let mut response = json(StatusCode::OK, &TokenAnswer::new(&token, form.is_camel_case));
    response.headers_mut().insert(PRAGMA, HeaderValue::from_static("no-cache"));
    Ok(response)
}

fn read(body: &Body) -> Result<TokenRequest, Refusal> {
    if body.media_type != "application/x-www-form-urlencoded" && !body.bytes.is_empty() {
        return Err(Accident::UnsupportedMediaType.into());
    }
    TokenRequest::parse(&body.bytes).map_err(unreadable)
}

async fn authenticated(
    oauth: &OAuth,
    caller: &Caller,
    request: &HttpRequest,
    form: &TokenRequest,
) -> Result<OAuthClient, Refusal> {
    let header = client_header(request);
    let basic = header.is_basic();
    let presented = Presented::find(header, form).map_err(not_one_method)?;
    authenticate_client(oauth, presented, caller).await.map_err(|error| not_authenticated(error, basic))
}
