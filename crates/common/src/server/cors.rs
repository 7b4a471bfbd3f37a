//! Which pages of other origins may read answers. The browser asks; an answer that does not say so stays closed to the page.
//!
//! This is no protection of what a request does: that is the origin rule's.

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::Method;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD,
    HeaderMap, HeaderValue, ORIGIN, VARY,
};
use actix_web::web;

use super::EdgeSettings;
use super::origin::is_allowed;
use crate::dialect::longest_match;

/// For whom the answers of a path are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Readers {
    /// Pages of our own origin, and callers that are no browsers.
    OwnPages,
    /// Pages of the allowed origins too, with the cookie.
    AllowedOrigins,
    /// Any page, without the cookie: what is published anyway.
    Everybody,
}

/// Which prefix is for whom; the longest match wins. What is in no line is for our own pages: back ends' APIs, pages, explorers.
const PREFIXES: &[(&str, Readers)] = &[
    ("/v1", Readers::AllowedOrigins),
    ("/sessions", Readers::AllowedOrigins),
    ("/sign_", Readers::AllowedOrigins),
    ("/password", Readers::AllowedOrigins),
    ("/identity", Readers::AllowedOrigins),
    ("/authentications", Readers::AllowedOrigins),
    ("/two_factor_authentication", Readers::AllowedOrigins),
    ("/auth", Readers::AllowedOrigins),
    ("/registration", Readers::AllowedOrigins),
    ("/accountrecovery", Readers::AllowedOrigins),
    ("/oauth2", Readers::AllowedOrigins),
    // A browser goes there itself.
    ("/auth/logout", Readers::OwnPages),
    ("/oauth2/authorize", Readers::OwnPages),
    ("/oauth2/jwks", Readers::Everybody),
    ("/oauth2/.well-known", Readers::Everybody),
    ("/.well-known", Readers::Everybody),
];

/// What pages may send besides what any form can.
const METHODS: &str = "GET, POST, PUT, PATCH, DELETE";
const HEADERS: &str = "Authorization, Content-Type, Clerk-Api-Version";
/// What pages may read besides the body and its type.
const EXPOSED: &str =
    "X-Request-Id, X-Session-Token, X-Error-Code, Retry-After, RateLimit, RateLimit-Policy, WWW-Authenticate";
/// Seconds that a browser may remember the answer to its question.
const MAX_AGE_S: u32 = 600;

/// What an answer says about the page that asked.
#[derive(Debug)]
pub(super) struct Cors {
    readers: Readers,
    /// The page's origin, if it may read the answer.
    origin: Option<HeaderValue>,
    is_question: bool,
}

impl Cors {
    pub(super) fn of(request: &ServiceRequest) -> Self {
        let readers = longest_match(PREFIXES, request.path()).unwrap_or(Readers::OwnPages);
        let edge = request.app_data::<web::Data<EdgeSettings>>();
        let may_read = |origin: &&HeaderValue| match readers {
            Readers::OwnPages => false,
            Readers::AllowedOrigins => {
                origin.to_str().is_ok_and(|origin| edge.is_some_and(|edge| is_allowed(origin, edge)))
            }
            Readers::Everybody => true,
        };
        let asks = request.method() == Method::OPTIONS && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        let origin = request.headers().get(ORIGIN).filter(may_read).cloned();
        Self { readers, is_question: asks && origin.is_some(), origin }
    }

    /// The answer to a browser that asks what a page may send. Nobody else's question: the path answers that itself.
    pub(super) fn preflight(&self) -> Option<HttpResponse> {
        self.is_question.then(|| {
            HttpResponse::NoContent()
                .insert_header((ACCESS_CONTROL_ALLOW_METHODS, METHODS))
                .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, HEADERS))
                .insert_header((ACCESS_CONTROL_MAX_AGE, MAX_AGE_S))
                .finish()
        })
    }

    /// Says it in the headers of any answer.
    pub(super) fn tell(self, headers: &mut HeaderMap) {
        let expose = (ACCESS_CONTROL_EXPOSE_HEADERS, HeaderValue::from_static(EXPOSED));
        match (self.readers, self.origin) {
            (Readers::AllowedOrigins, origin) => {
                // A stored answer for one origin is none for another.
                headers.append(VARY, HeaderValue::from_static("Origin"));
                if let Some(origin) = origin {
                    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
                    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
                    headers.insert(expose.0, expose.1);
                }
            }
            (Readers::Everybody, Some(_)) => {
                headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
                headers.insert(expose.0, expose.1);
            }
            (Readers::Everybody, None) | (Readers::OwnPages, _) => {}
        }
    }
}
