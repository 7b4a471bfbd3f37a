//! The accounts API's errors: `{"error": "<sentence>"}`, and for a 422 the bare map of attribute to messages.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde_json::{Map, Value, json};

use super::{Accident, Dialect, Limited};

/// What an attribute is refused for, in the order the problems were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<(&'static str, &'static str)>);

impl Problems {
    /// No problem yet.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// One more problem.
    pub fn add(&mut self, attribute: &'static str, message: &'static str) {
        self.0.push((attribute, message));
    }

    /// One problem.
    #[must_use]
    pub fn one(attribute: &'static str, message: &'static str) -> Self {
        Self(vec![(attribute, message)])
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn map(&self) -> Value {
        let mut map = Map::new();
        for (attribute, message) in &self.0 {
            if let Value::Array(messages) = map.entry(*attribute).or_insert_with(|| Value::Array(Vec::new())) {
                messages.push(Value::from(*message));
            }
        }
        Value::Object(map)
    }
}

/// Why the accounts API says no.
#[derive(Debug)]
pub enum Refusal {
    /// A sentence with its status.
    Sentence(StatusCode, &'static str),
    /// 422: attributes that do not do.
    Invalid(Problems),
    /// 401: no session token, or none that is good.
    Unauthenticated,
    /// 429 in the words of this API.
    Limited(Limited),
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
            Self::Sentence(status, _) => *status,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Limited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Accident(accident) => accident.status(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        match self {
            Self::Sentence(status, sentence) => super::json(*status, &json!({ "error": sentence })),
            Self::Invalid(problems) => super::json(self.status_code(), &problems.map()),
            Self::Unauthenticated => unauthenticated(),
            Self::Limited(limited) => Dialect::Accounts.answer(&Accident::RateLimited(*limited)),
            Self::Accident(accident) => Dialect::Accounts.answer(accident),
        }
    }
}

fn unauthenticated() -> HttpResponse {
    let mut response = super::text(StatusCode::UNAUTHORIZED, "HTTP Token: Access denied.\n");
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Token realm=\"Application\""));
    response
}

pub(super) fn accident(accident: &Accident) -> HttpResponse {
    let status = accident.status();
    match accident {
        Accident::RateLimited(_) => {
            super::json(status, &json!({ "error": "You've exceeded the maximum number of attempts" }))
        }
        Accident::Malformed | Accident::NotFound => {
            super::json(status, &json!({ "status": status.as_u16(), "error": status.canonical_reason() }))
        }
        _ => super::json(
            status,
            &json!({ "status": status.as_u16(), "error": status.canonical_reason(), "request_id": crate::server::request_id() }),
        ),
    }
}
