//! `application/problem+json` (RFC 9457): the form of everything that is our own.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::json;

use super::Accident;

pub(super) fn accident(accident: &Accident) -> HttpResponse {
    refusal(accident.status(), accident.code(), accident.sentence())
}

/// A refusal with a stable name and a sentence that says what to do.
#[must_use]
pub fn refusal(status: StatusCode, code: &'static str, sentence: &str) -> HttpResponse {
    let mut response = super::json(
        status,
        &json!({
            "type": format!("urn:tessera:error:{code}"),
            "title": status.canonical_reason(),
            "status": status.as_u16(),
            "detail": sentence,
            "code": code,
            "request_id": crate::server::request_id(),
        }),
    );
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    response
}
