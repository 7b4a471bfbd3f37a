//! OAuth errors: `{"error", "error_description"}` (RFC 6749, 5.2), never cached.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde_json::json;

use super::{Accident, Dialect};

/// Why an OAuth endpoint says no.
#[derive(Debug)]
pub enum Refusal {
    /// An error of RFC 6749, 5.2.
    Coded {
        /// 400, or 401 for `invalid_client`.
        status: StatusCode,
        /// `error`.
        error: &'static str,
        /// `error_description`.
        description: &'static str,
        /// The caller tried HTTP Basic: a 401 then names the scheme.
        basic: bool,
        /// The caller prefers `text/plain` over JSON and said so.
        plain: bool,
    },
    /// What can happen to any request.
    Accident(Accident),
}

impl Refusal {
    /// A 400 with a code.
    #[must_use]
    pub const fn coded(error: &'static str, description: &'static str) -> Self {
        Self::Coded { status: StatusCode::BAD_REQUEST, error, description, basic: false, plain: false }
    }

    /// 401 `invalid_client`.
    #[must_use]
    pub const fn invalid_client(basic: bool) -> Self {
        Self::Coded {
            status: StatusCode::UNAUTHORIZED,
            error: "invalid_client",
            description: "the client is unknown or did not prove itself",
            basic,
            plain: false,
        }
    }

    /// The same, said as the caller's `Accept` prefers.
    #[must_use]
    pub fn prefer_plain(mut self, prefers: bool) -> Self {
        if let Self::Coded { plain, .. } = &mut self {
            *plain = prefers;
        }
        self
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
            Self::Coded { status, error, description, basic, plain } => {
                let mut response = if *plain {
                    super::text(*status, *description)
                } else {
                    super::json(*status, &json!({ "error": error, "error_description": description }))
                };
                if *status == StatusCode::UNAUTHORIZED && *basic {
                    let challenge = HeaderValue::from_static("Basic realm=\"oauth2\", charset=\"UTF-8\"");
                    response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
                }
                response
            }
            Self::Accident(accident) => Dialect::OAuth.answer(accident),
        }
    }
}

pub(super) fn accident(accident: &Accident) -> HttpResponse {
    let error = match accident {
        Accident::Unavailable { .. } | Accident::RateLimited(_) => "temporarily_unavailable",
        Accident::Internal(_) => "server_error",
        _ => "invalid_request",
    };
    super::json(accident.status(), &json!({ "error": error, "error_description": accident.sentence() }))
}
