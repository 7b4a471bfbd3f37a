//! The origin rule: which pages may act with the platform's cookie.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header::ORIGIN;
use actix_web::{FromRequest, HttpRequest, web};
use serde::Deserialize;
use url::Url;

use super::EdgeSettings;
use crate::dialect::{Accident, Dialect, Fault};

/// Scheme, host and port, as browsers write them: `https://id.example`, no slash at the end, no default port.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Origin(String);

impl Origin {
    /// The origin as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is reached over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.starts_with("https://")
    }

    /// `host` or `host:port`.
    #[must_use]
    pub fn authority(&self) -> &str {
        self.0.split_once("://").map_or("", |(_, authority)| authority)
    }
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Origin {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an origin such as https://id.example");
        let url: Url = text.parse().map_err(|_| wrong())?;
        let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        if !matches!(url.scheme(), "http" | "https") || !bare {
            return Err(wrong());
        }
        Ok(Self(url.origin().ascii_serialization()))
    }
}

/// Witness that a request may act with the cookie: it comes from our own pages, from an allowed origin, or from no browser.
#[derive(Clone, Copy, Debug)]
pub struct SameOrigin;

impl FromRequest for SameOrigin {
    type Error = Fault;
    type Future = Ready<Result<Self, Fault>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let allowed = request.app_data::<web::Data<EdgeSettings>>().is_some_and(|edge| may_act(request, edge));
        let fault = || Fault { dialect: Dialect::of(request.path()), accident: Accident::ForeignOrigin };
        ready(if allowed { Ok(Self) } else { Err(fault()) })
    }
}

fn may_act(request: &HttpRequest, edge: &EdgeSettings) -> bool {
    let site = request.headers().get("sec-fetch-site").map(|value| value.to_str().unwrap_or("?"));
    let origin = request.headers().get(ORIGIN).map(|value| value.to_str().unwrap_or("?"));
    match (site, origin) {
        (Some("same-origin" | "none"), _) | (None, None) => true,
        (_, Some(origin)) => is_allowed(origin, edge),
        (Some(_), None) => false,
    }
}

pub(super) fn is_allowed(origin: &str, edge: &EdgeSettings) -> bool {
    let known = origin == edge.origin.as_str() || edge.allowed_origins.iter().any(|allowed| allowed.as_str() == origin);
    known || edge.allow_loopback_origins && is_loopback(origin)
}

fn is_loopback(origin: &str) -> bool {
    let Ok(url) = origin.parse::<Url>() else { return false };
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn edge(allow_loopback_origins: bool) -> EdgeSettings {
        let origin = |text: &str| Origin::try_from(text.to_owned()).expect("an origin");
        EdgeSettings {
            origin: origin("https://id.example"),
            allowed_origins: vec![origin("https://app.example")],
            allow_loopback_origins,
            trusted_proxies: vec![],
            callers_are_ours: false,
        }
    }

    fn may(headers: &[(&'static str, &str)], edge: &EdgeSettings) -> bool {
        let request = headers.iter().fold(TestRequest::default(), |request, header| request.insert_header(*header));
        may_act(&request.to_http_request(), edge)
    }

    #[test]
    fn our_own_pages_allowed_origins_and_no_browser_at_all_may_act() {
        let edge = edge(false);
        assert!(may(&[], &edge));
        assert!(may(&[("sec-fetch-site", "same-origin")], &edge));
        assert!(may(&[("sec-fetch-site", "none")], &edge));
        assert!(may(&[("origin", "https://id.example")], &edge));
        assert!(may(&[("sec-fetch-site", "cross-site"), ("origin", "https://app.example")], &edge));
    }

    #[test]
    fn every_other_origin_may_not() {
        let edge = edge(false);
        for origin in [
            "null",
            "https://app.example.evil.test",
            "http://app.example",
            "https://app.example:8443",
            "http://localhost:1",
        ] {
            assert!(!may(&[("origin", origin)], &edge), "{origin}");
        }
        assert!(!may(&[("sec-fetch-site", "cross-site")], &edge));
        assert!(!may(&[("sec-fetch-site", "same-site")], &edge));
    }

    #[test]
    fn the_dev_profile_lets_pages_of_this_machine_act() {
        assert!(may(&[("origin", "http://localhost:5173")], &edge(true)));
        assert!(may(&[("origin", "http://127.0.0.1:5173")], &edge(true)));
        assert!(!may(&[("origin", "http://localhost.evil.test")], &edge(true)));
    }

    #[test]
    fn an_origin_has_one_spelling() {
        let parse = |text: &str| Origin::try_from(text.to_owned()).map(|origin| origin.0);
        assert_eq!(parse("https://ID.example:443/"), Ok("https://id.example".to_owned()));
        assert!(parse("https://id.example/path").is_err());
        assert!(parse("ftp://id.example").is_err());
    }
}
