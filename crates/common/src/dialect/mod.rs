//! How each API says that something went wrong.
//!
//! Seven forms of error answer live under one origin. A service decides *what* happened; a dialect decides how that is said. An
//! [`Accident`] is what can happen to any request of any API (unknown path, wrong verb, too large, overload, a caught panic); the
//! rest of a dialect's vocabulary is in its own module.

pub mod accounts;
pub mod approval;
pub mod client;
pub mod identity;
pub mod oauth;
pub mod problem;
pub mod verification;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use actix_web::{HttpResponseBuilder, ResponseError};
use serde::Serialize;

/// The error form of one API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// `{"error": …}`, and the bare map of a 422.
    Accounts,
    /// `{"error", "message", "requestId"}`.
    Approval,
    /// `{"errors": […], "clerk_trace_id"}`.
    Client,
    /// One sentence of plain text.
    Identity,
    /// `{"error", "error_description"}` (RFC 6749, 5.2).
    OAuth,
    /// `{"status", "error", "details"}`.
    Verification,
    /// `application/problem+json` (RFC 9457): everything that is our own.
    Problem,
}

/// Which prefix speaks which dialect. The longest match wins; a prefix ends at a segment, but for one that ends in `_`.
pub const PREFIXES: &[(&str, Dialect)] = &[
    ("/methods", Dialect::Verification),
    ("/v1", Dialect::Client),
    ("/oauth2", Dialect::OAuth),
    ("/auth/logout", Dialect::OAuth),
    ("/auth", Dialect::Identity),
    ("/registration", Dialect::Identity),
    ("/accountrecovery", Dialect::Identity),
    ("/sessions/session", Dialect::Identity),
    ("/sessions/bucket", Dialect::Identity),
    ("/sessions/auth", Dialect::Approval),
    ("/sessions", Dialect::Accounts),
    ("/sign_", Dialect::Accounts),
    ("/password", Dialect::Accounts),
    ("/identity", Dialect::Accounts),
    ("/authentications", Dialect::Accounts),
    ("/two_factor_authentication", Dialect::Accounts),
];

/// What a table of prefixes says of `path`.
pub(crate) fn longest_match<T: Copy>(prefixes: &[(&str, T)], path: &str) -> Option<T> {
    let under = |prefix: &str| {
        path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || prefix.ends_with('_'))
    };
    let matching = prefixes.iter().filter(|(prefix, _)| under(prefix));
    matching.max_by_key(|(prefix, _)| prefix.len()).map(|(_, value)| *value)
}

impl Dialect {
    /// Each of them.
    pub const ALL: [Self; 7] =
        [Self::Accounts, Self::Approval, Self::Client, Self::Identity, Self::OAuth, Self::Verification, Self::Problem];

    /// The dialect of the API that `path` belongs to.
    #[must_use]
    pub fn of(path: &str) -> Self {
        longest_match(PREFIXES, path).unwrap_or(Self::Problem)
    }

    /// Says `accident` in this dialect.
    #[must_use]
    pub fn answer(self, accident: &Accident) -> HttpResponse {
        accident.log();
        let mut response = match self {
            Self::Accounts => accounts::accident(accident),
            Self::Approval => approval::accident(accident),
            Self::Client => client::accident(accident),
            Self::Identity => identity::accident(accident),
            Self::OAuth => oauth::accident(accident),
            Self::Verification => verification::accident(accident),
            Self::Problem => problem::accident(accident),
        };
        match accident {
            Accident::MethodNotAllowed { allow } => {
                if let Ok(allow) = HeaderValue::from_str(allow) {
                    response.headers_mut().insert(ALLOW, allow);
                }
            }
            Accident::RateLimited(limited) => limited.tell(response.headers_mut()),
            Accident::Unavailable { retry_after } => {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(*retry_after));
            }
            _ => {}
        }
        response
    }
}

/// What can happen to any request, whichever API it was for.
#[derive(Debug)]
pub enum Accident {
    /// The body or a parameter cannot be read.
    Malformed,
    /// A browser's request from an origin that is not ours.
    ForeignOrigin,
    /// No such path, or no such thing.
    NotFound,
    /// The path exists, the verb does not.
    MethodNotAllowed {
        /// The verbs it has.
        allow: String,
    },
    /// No form that we have is one the caller takes.
    NotAcceptable,
    /// More than the limit.
    TooLarge,
    /// A body of a type that is not read here.
    UnsupportedMediaType,
    /// A limit is used up.
    RateLimited(Limited),
    /// Something needed is down or overloaded.
    Unavailable {
        /// Seconds until it may be tried again.
        retry_after: u32,
    },
    /// Our fault. The cause is logged and not told.
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl Accident {
    /// The status every dialect gives it.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Malformed => StatusCode::BAD_REQUEST,
            Self::ForeignOrigin => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Our own stable name for it.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::ForeignOrigin => "origin_not_allowed",
            Self::NotFound => "not_found",
            Self::MethodNotAllowed { .. } => "method_not_allowed",
            Self::NotAcceptable => "not_acceptable",
            Self::TooLarge => "too_large",
            Self::UnsupportedMediaType => "unsupported_media_type",
            Self::RateLimited(_) => "rate_limited",
            Self::Unavailable { .. } => "unavailable",
            Self::Internal(_) => "internal",
        }
    }

    /// What happened and what to do next, for a person.
    #[must_use]
    pub const fn sentence(&self) -> &'static str {
        match self {
            Self::Malformed => "the request could not be read: check its syntax and its parameters",
            Self::ForeignOrigin => "this origin may not act here: add it to allowed_origins, or call from the server",
            Self::NotFound => "there is nothing at this address",
            Self::MethodNotAllowed { .. } => "this address does not take that method: see the Allow header",
            Self::NotAcceptable => "no form of the answer is one that the Accept header allows",
            Self::TooLarge => "the body is larger than 64 KiB",
            Self::UnsupportedMediaType => "a body of this Content-Type is not read here",
            Self::RateLimited(_) => "too many requests: try again after the seconds in Retry-After",
            Self::Unavailable { .. } => {
                "a part that is needed is not available: try again after the seconds in Retry-After"
            }
            Self::Internal(_) => "something went wrong on our side: the request id finds it in the logs",
        }
    }

    /// Internal errors are logged once, here at the edge, with their chain.
    fn log(&self) {
        if let Self::Internal(cause) = self {
            let mut chain = cause.to_string();
            let mut source = cause.source();
            while let Some(inner) = source {
                chain.push_str(": ");
                chain.push_str(&inner.to_string());
                source = inner.source();
            }
            tracing::error!(error = chain, request_id = crate::server::request_id(), "a request failed");
        }
    }
}

/// A limit that is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limited {
    /// Seconds until it may be tried again.
    pub retry_after: u32,
    /// How many are allowed…
    pub quota: u32,
    /// …in how many seconds.
    pub window: u32,
}

impl Limited {
    /// Says it in headers: `Retry-After` (RFC 9110, 10.2.3), `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers).
    pub fn tell(&self, headers: &mut HeaderMap) {
        let Self { retry_after, quota, window } = self;
        headers.insert(RETRY_AFTER, HeaderValue::from(*retry_after));
        for (name, value) in [
            ("ratelimit", format!("\"default\";r=0;t={retry_after}")),
            ("ratelimit-policy", format!("\"default\";q={quota};w={window}")),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

/// An accident at a place whose dialect is known: what extractors fail with.
#[derive(Debug)]
pub struct Fault {
    /// Who is spoken to.
    pub dialect: Dialect,
    /// What happened.
    pub accident: Accident,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.accident.code())
    }
}

impl ResponseError for Fault {
    fn status_code(&self) -> StatusCode {
        self.accident.status()
    }

    fn error_response(&self) -> HttpResponse {
        self.dialect.answer(&self.accident)
    }
}

/// A JSON answer, with the charset that the older of the APIs name.
#[must_use]
pub fn json(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    match serde_json::to_vec(body) {
        Ok(bytes) => builder(status, "application/json; charset=utf-8").body(bytes),
        Err(error) => {
            tracing::error!(%error, "an answer could not be written as JSON");
            HttpResponse::new(StatusCode::INTERNAL_SERVER_ERROR)
        }
    }
}

/// A plain-text answer.
#[must_use]
pub fn text(status: StatusCode, body: impl Into<String>) -> HttpResponse {
    builder(status, "text/plain; charset=utf-8").body(body.into())
}

fn builder(status: StatusCode, content_type: &'static str) -> HttpResponseBuilder {
    let mut builder = HttpResponse::build(status);
    builder.insert_header((CONTENT_TYPE, HeaderValue::from_static(content_type)));
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_decides() {
        for (path, dialect) in [
            ("/sign_up", Dialect::Accounts),
            ("/sessions", Dialect::Accounts),
            ("/sessions/1", Dialect::Accounts),
            ("/sessions/session", Dialect::Identity),
            ("/sessions/session/extend", Dialect::Identity),
            ("/sessions/sessionx", Dialect::Accounts),
            ("/sessions/auth/devices", Dialect::Approval),
            ("/auth/login", Dialect::Identity),
            ("/auth/logout", Dialect::OAuth),
            ("/oauth2/token", Dialect::OAuth),
            ("/methods/email/actions/initiate", Dialect::Verification),
            ("/v1/client", Dialect::Client),
            ("/v12", Dialect::Problem),
            ("/", Dialect::Problem),
        ] {
            assert_eq!(Dialect::of(path), dialect, "{path}");
        }
    }
}
