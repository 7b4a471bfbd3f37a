//! The `Authorization` header of a client (RFC 6749, 2.3.1; RFC 7617).

use actix_web::HttpRequest;
use actix_web::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::domain::client_authentication::{Header, form_decoded};

/// Reads the header. Several of them are none that is understood.
pub fn client_header(request: &HttpRequest) -> Header {
    let mut values = request.headers().get_all(AUTHORIZATION);
    match (values.next(), values.next()) {
        (None, _) => Header::Absent,
        (Some(value), None) => value.to_str().map_or(Header::Other, parse),
        _ => Header::Other,
    }
}

fn parse(value: &str) -> Header {
    let (scheme, credentials) = value.split_once(' ').unwrap_or((value, ""));
    if !scheme.eq_ignore_ascii_case("basic") {
        return Header::Other;
    }
    let decoded = STANDARD.decode(credentials.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    match decoded.as_deref().and_then(|text| text.split_once(':')) {
        Some((id, secret)) => Header::Basic(form_decoded(id), form_decoded(secret).into()),
        None => Header::BrokenBasic,
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn both_halves_are_decoded() {
        let header = parse(&format!("basic {}", STANDARD.encode("my%20id:a%3Ab%2Bc%25+d")));
        let Header::Basic(id, secret) = header else { panic!("{header:?}") };
        assert_eq!((id.as_str(), secret.expose_secret()), ("my id", "a:b+c% d"));
    }

    #[test]
    fn what_is_not_basic_or_not_readable_says_so() {
        for broken in ["Basic", "Basic ", "Basic %%%", "Basic YQ==", "Basic /w=="] {
            assert!(matches!(parse(broken), Header::BrokenBasic), "{broken}");
        }
        assert!(matches!(parse("Bearer abc"), Header::Other));
        assert!(matches!(parse(""), Header::Other));
    }
}
