//! What a request presents in `Authorization`, before anybody has judged it.

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;

/// A credential as presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented<'a> {
    /// No `Authorization`, or an empty one.
    Nothing,
    /// `Bearer` with something of three parts: a JSON Web Token.
    Jws(&'a str),
    /// `Bearer` with anything else, or `Token <t>`, or `Token token="<t>"`.
    Opaque(&'a str),
    /// Any other scheme, a raw value, or a header that is no text.
    Other(&'a str),
}

impl<'a> Presented<'a> {
    /// Reads the header. Scheme words are case sensitive, as in the accounts and verification APIs.
    #[must_use]
    pub fn of(request: &'a HttpRequest) -> Self {
        let Some(value) = request.headers().get(AUTHORIZATION) else { return Self::Nothing };
        let Ok(value) = value.to_str() else { return Self::Other("") };
        if value.is_empty() {
            Self::Nothing
        } else if let Some(token) = value.strip_prefix("Bearer ") {
            if is_jws(token) { Self::Jws(token) } else { Self::Opaque(token.trim()) }
        } else if let Some(token) = value.strip_prefix("Token ") {
            let token = token.trim();
            let quoted = token.strip_prefix("token=\"").and_then(|rest| rest.strip_suffix('"'));
            Self::Opaque(quoted.unwrap_or(token))
        } else {
            Self::Other(value)
        }
    }
}

/// Whether `token` has the three parts of a compact JWS (RFC 7515, 7.1).
#[must_use]
pub fn is_jws(token: &str) -> bool {
    token.split('.').count() == 3 && token.split('.').take(2).all(|part| !part.is_empty())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn with<T>(value: &str, look: impl Fn(Presented<'_>) -> T) -> T {
        look(Presented::of(&TestRequest::default().insert_header((AUTHORIZATION, value)).to_http_request()))
    }

    #[test]
    fn the_forms_of_a_token_are_told_apart() {
        assert!(with("Bearer a.b.c", |p| p == Presented::Jws("a.b.c")));
        assert!(with("Bearer tss_x", |p| p == Presented::Opaque("tss_x")));
        assert!(with("Token tss_x", |p| p == Presented::Opaque("tss_x")));
        assert!(with("Token token=\"tss_x\"", |p| p == Presented::Opaque("tss_x")));
        assert!(with("bearer tss_x", |p| p == Presented::Other("bearer tss_x")));
        assert!(with("tcl_x", |p| p == Presented::Other("tcl_x")));
        assert!(with("", |p| p == Presented::Nothing));
    }
}
