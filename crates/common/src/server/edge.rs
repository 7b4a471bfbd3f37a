//! The first and last thing that happens to every request.
//!
//! Every answer carries the request's id; a panic becomes that request's 500; paths that could be read in two ways are refused before
//! routing; a body that announces itself as too large is refused before it is read.

use std::panic::AssertUnwindSafe;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::error::InternalError;
use actix_web::http::Method;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpRequest, HttpResponse, web};
use futures::FutureExt as _;
use tracing::Instrument as _;

use super::cors::Cors;
use super::listen::{Traffic, UnderWay};
use super::watched::Watched;
use super::{EdgeSettings, MAX_BODY};
use crate::clock::Clock;
use crate::dialect::{Accident, Dialect};
use crate::ids;
use crate::random::Random;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const HSTS: HeaderName = HeaderName::from_static("strict-transport-security");

tokio::task_local! {
    static CURRENT: String;
}

/// The id of the request that is being answered; empty outside of one.
#[must_use]
pub fn request_id() -> String {
    CURRENT.try_with(Clone::clone).unwrap_or_default()
}

/// Writes an answer as if to the request of this id: for answers that are made ahead of the requests they are for.
pub fn as_request<T>(id: &str, write: impl FnOnce() -> T) -> T {
    CURRENT.sync_scope(id.to_owned(), write)
}

/// Wraps every request.
///
/// # Errors
/// None of its own: refusals are answers.
pub async fn guard(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let id = new_request_id(&request);
    let traffic = request.app_data::<web::Data<Traffic>>().cloned();
    let _under_way = traffic.as_ref().map(UnderWay::begin);
    let https = request.app_data::<web::Data<EdgeSettings>>().is_some_and(|edge| edge.origin.is_https());
    let cors = Cors::of(&request);
    override_method(&mut request);
    let watched = Watched::begin(&request, &id);
    let answered = CURRENT.scope(id.clone(), answer(request, next, &cors)).instrument(watched.span()).await;
    match answered {
        Ok(mut response) => {
            watched.end(response.status());
            finish(response.headers_mut(), &id, https);
            cors.tell(response.headers_mut());
            if let Some(connection) = traffic.as_ref().and_then(|traffic| traffic.connection()) {
                response.response_mut().head_mut().set_connection_type(connection);
            }
            Ok(response)
        }
        // The request went with the handler, so this answer travels as an error that brings its own response.
        Err(mut response) => {
            watched.end(response.status());
            finish(response.headers_mut(), &id, https);
            cors.tell(response.headers_mut());
            Err(InternalError::from_response("a request failed", response).into())
        }
    }
}

/// Puts the verb that `_method` names in the place of a `POST` under `/v1/`: browsers of that API send no other. Nowhere else.
fn override_method(request: &mut ServiceRequest) {
    if *request.method() != Method::POST || !request.path().starts_with("/v1/") {
        return;
    }
    let named = request.query_string().split('&').find_map(|pair| pair.strip_prefix("_method="));
    let method = [Method::PATCH, Method::PUT, Method::DELETE].into_iter().find(|method| named == Some(method.as_str()));
    if let Some(method) = method {
        request.head_mut().method = method;
    }
}

async fn answer(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    cors: &Cors,
) -> Result<ServiceResponse<BoxBody>, HttpResponse> {
    let dialect = Dialect::of(request.path());
    if let Some(accident) = refused_unread(&request) {
        return Ok(request.into_response(dialect.answer(&accident)));
    }
    if let Some(preflight) = cors.preflight() {
        return Ok(request.into_response(preflight));
    }
    match AssertUnwindSafe(next.call(request)).catch_unwind().await {
        Ok(Ok(response)) => Ok(response.map_into_boxed_body()),
        Ok(Err(error)) => Err(error.error_response()),
        Err(_) => Err(dialect.answer(&Accident::Internal("a handler panicked; its message is above".into()))),
    }
}

fn refused_unread(request: &ServiceRequest) -> Option<Accident> {
    if is_ambiguous(request.uri().path()) {
        return Some(Accident::NotFound);
    }
    let length = request.headers().get(CONTENT_LENGTH)?.to_str().ok()?.parse::<usize>().ok()?;
    (length > MAX_BODY).then_some(Accident::TooLarge)
}

/// Whether some proxy, router or handler may read `path` as another one.
#[must_use]
pub fn is_ambiguous(path: &str) -> bool {
    let is_one_of = |code: &str, codes: &[&str]| codes.iter().any(|known| code.eq_ignore_ascii_case(known));
    let code_at_start =
        |rest: &str| rest.get(..2).is_some_and(|code| is_one_of(code, &["2f", "5c", "2e", "3b", "25", "00"]));
    path.split('%').skip(1).any(code_at_start)
        || path.contains("//")
        || path.contains([';', '\\'])
        || path.split('/').any(|segment| matches!(segment, "." | ".."))
}

fn new_request_id(request: &ServiceRequest) -> String {
    let clock = request.app_data::<web::Data<Clock>>();
    let random = request.app_data::<web::Data<Random>>();
    match (clock, random) {
        (Some(clock), Some(random)) => ids::new_v7(clock.now(), random).simple().to_string(),
        _ => String::new(),
    }
}

fn finish(headers: &mut HeaderMap, id: &str, https: bool) {
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if https {
        headers.insert(HSTS, HeaderValue::from_static("max-age=31536000"));
    }
}

/// The answer to a path that nothing is registered for.
pub async fn not_found(request: HttpRequest) -> HttpResponse {
    Dialect::of(request.path()).answer(&Accident::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_two_readings_is_refused() {
        for path in ["//sign_in", "/a//b", "/sign_in;x", "/a%2fb", "/a/../b", "/./a", "/a%2E%2e/b", "/a\\b"] {
            assert!(is_ambiguous(path), "{path}");
        }
        for path in ["/", "/sign_in", "/sign_in/", "/.well-known/jwks.json", "/a.b", "/a%20b", "/a%2", "/a%"] {
            assert!(!is_ambiguous(path), "{path}");
        }
    }

    #[test]
    fn a_post_under_v1_may_name_another_verb() {
        let method = |method: Method, uri: &str| {
            let mut request = actix_web::test::TestRequest::default().method(method).uri(uri).to_srv_request();
            override_method(&mut request);
            request.method().clone()
        };
        assert_eq!(method(Method::POST, "/v1/client/sessions?a=b&_method=DELETE"), Method::DELETE);
        assert_eq!(method(Method::POST, "/v1/client/sessions?_method=delete"), Method::POST);
        assert_eq!(method(Method::POST, "/v1/client/sessions?_method=GET"), Method::POST);
        assert_eq!(method(Method::GET, "/v1/client/sessions?_method=DELETE"), Method::GET);
        assert_eq!(method(Method::POST, "/sessions/1?_method=DELETE"), Method::POST);
    }
}
