//! The client API's errors: `{"errors": [{code, message, long_message, meta}], "clerk_trace_id"}`; the trace id is the request's.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Value, json};

use super::{Accident, Dialect};

/// Why the client API says no.
#[derive(Debug)]
pub enum Refusal {
    /// A coded refusal.
    Coded {
        /// Its status.
        status: StatusCode,
        /// The code that client libraries key on.
        code: &'static str,
        /// What it means, for a person.
        message: &'static str,
        /// The form field it is about.
        param: Option<&'static str>,
    },
    /// What can happen to any request.
    Accident(Accident),
}

impl Refusal {
    /// A coded refusal about no field in particular.
    #[must_use]
    pub const fn coded(status: StatusCode, code: &'static str, message: &'static str) -> Self {
        Self::Coded { status, code, message, param: None }
    }

    /// No client, or no session that is signed in, where one is needed.
    #[must_use]
    pub const fn unauthenticated() -> Self {
        Self::coded(StatusCode::UNAUTHORIZED, "authentication_invalid", "Sign in first: no session is active here")
    }

    /// Unknown, or not this client's: one answer for both.
    #[must_use]
    pub const fn not_found() -> Self {
        Self::coded(StatusCode::NOT_FOUND, "resource_not_found", "There is no such thing here")
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
            Self::Coded { status, .. } => *status,
            Self::Accident(accident) => accident.status(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::Coded { status, code, message, param } => super::json(*status, &body(code, message, *param)),
            Self::Accident(accident) => Dialect::Client.answer(accident),
        }
    }
}

fn body(code: &str, message: &str, param: Option<&str>) -> Value {
    let mut error = json!({ "code": code, "message": message, "long_message": message });
    if let (Some(param), Value::Object(error)) = (param, &mut error) {
        error.insert("meta".to_owned(), json!({ "param_name": param }));
    }
    json!({ "errors": [error], "clerk_trace_id": crate::server::request_id() })
}

pub(super) fn accident(accident: &Accident) -> HttpResponse {
    let code = match accident {
        Accident::Malformed => "request_body_invalid",
        Accident::ForeignOrigin => "origin_invalid",
        Accident::NotFound => "resource_not_found",
        Accident::UnsupportedMediaType => "unsupported_content_type",
        Accident::RateLimited(_) => "too_many_requests",
        Accident::Internal(_) => "internal_clerk_error",
        other => other.code(),
    };
    super::json(accident.status(), &body(code, accident.sentence(), None))
}
