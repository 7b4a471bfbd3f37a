//! The verification API's errors: `{"status", "error", "details"}`; two 406 bodies go without `status`.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Accident, Dialect};

/// One problem of a request, by its dotted path.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Detail {
    /// The member it is about.
    pub path: &'static str,
    /// What is wrong with it.
    pub error: &'static str,
}

/// Why the verification API says no.
#[derive(Debug)]
pub enum Refusal {
    /// 406 for `Accept` or `Content-Type`.
    UnsupportedHeader(&'static str),
    /// 422 with every problem found.
    Invalid(Vec<Detail>),
    /// A status and its text.
    Error(StatusCode, &'static str),
    /// 503 in words of its own, and when to try again.
    Unavailable {
        /// What is said.
        error: &'static str,
        /// Seconds until it may be tried again.
        retry_after: u32,
    },
    /// What can happen to any request.
    Accident(Accident),
}

impl Refusal {
    /// No such verification.
    #[must_use]
    pub const fn not_found() -> Self {
        Self::Error(StatusCode::NOT_FOUND, "Not found")
    }

    /// No tenant, or none that may.
    #[must_use]
    pub const fn not_authorized() -> Self {
        Self::Error(StatusCode::UNAUTHORIZED, "Not Authorized")
    }
}

impl From<Accident> for Refusal {
    fn from(accident: Accident) -> Self {
        Self::Accident(accident)
    }
}

impl From<super::Fault> for Refusal {
    fn from(fault: super::Fault) -> Self {
        Self::Accident(fault.accident)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "refused with {}", self.status_code())
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::UnsupportedHeader(_) => StatusCode::NOT_ACCEPTABLE,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Error(status, _) => *status,
            Self::Accident(accident) => accident.status(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        match self {
            Self::UnsupportedHeader(error) => answer(status, json!({ "error": error })),
            Self::Invalid(details) => {
                answer(status, json!({ "status": 422, "error": "Invalid request", "details": details }))
            }
            Self::Error(_, error) => answer(status, json!({ "status": status.as_u16(), "error": error })),
            Self::Unavailable { error, retry_after } => {
                let mut response = answer(status, json!({ "status": status.as_u16(), "error": error }));
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(*retry_after));
                response
            }
            Self::Accident(accident) => Dialect::Verification.answer(accident),
        }
    }
}

/// An answer of this API, with the headers each of them has.
#[must_use]
pub fn answer(status: StatusCode, body: impl Serialize) -> HttpResponse {
    use actix_web::http::header::{CONTENT_SECURITY_POLICY, X_FRAME_OPTIONS};
    let mut response = super::json(status, &body);
    let headers = response.headers_mut();
    headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("deny"));
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'"));
    response
}

pub(super) fn accident(accident: &Accident) -> HttpResponse {
    let status = accident.status();
    let error = match accident {
        Accident::Malformed => "Invalid JSON",
        Accident::NotFound => "Not found",
        _ => status.canonical_reason().unwrap_or("Error"),
    };
    let mut body = json!({ "status": status.as_u16(), "error": error });
    if let (Accident::Internal(_), Value::Object(body)) = (accident, &mut body) {
        body.insert("request_id".to_owned(), crate::server::request_id().into());
    }
    answer(status, body)
}
