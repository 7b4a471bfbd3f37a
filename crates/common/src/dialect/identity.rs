//! The identity API's errors: one sentence of plain text, and its code in `X-Error-Code` so that programs need not parse prose.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, ResponseError};

use super::{Accident, Dialect};

const ERROR_CODE: HeaderName = HeaderName::from_static("x-error-code");

/// Why the identity API says no.
#[derive(Debug)]
pub enum Refusal {
    /// A sentence with its status and code.
    Sentence {
        /// Its status.
        status: StatusCode,
        /// For programs.
        code: &'static str,
        /// For people.
        sentence: &'static str,
    },
    /// What can happen to any request.
    Accident(Accident),
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
            Self::Sentence { status, .. } => *status,
            Self::Accident(accident) => accident.status(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::Sentence { status, code, sentence } => coded(*status, code, (*sentence).to_owned()),
            Self::Accident(accident) => Dialect::Identity.answer(accident),
        }
    }
}

fn coded(status: StatusCode, code: &'static str, sentence: String) -> HttpResponse {
    let mut response = super::text(status, sentence);
    response.headers_mut().insert(ERROR_CODE, HeaderValue::from_static(code));
    response
}

pub(super) fn accident(accident: &Accident) -> HttpResponse {
    let sentence = match accident {
        Accident::Internal(_) => format!("{} ({})", accident.sentence(), crate::server::request_id()),
        _ => accident.sentence().to_owned(),
    };
    coded(accident.status(), accident.code(), sentence)
}
