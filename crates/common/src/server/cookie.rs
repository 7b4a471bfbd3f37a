//! Reading the one cookie of the platform.

use actix_web::HttpRequest;
use actix_web::http::header::COOKIE;

/// A cookie as presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OneCookie<'a> {
    /// Not there.
    Absent,
    /// There once.
    Value(&'a str),
    /// There more than once: another host under this one may have planted it, so none is believed.
    Several,
}

/// The cookie `name` of a request.
#[must_use]
pub fn one_cookie<'a>(request: &'a HttpRequest, name: &str) -> OneCookie<'a> {
    let lines = request.headers().get_all(COOKIE).filter_map(|line| line.to_str().ok());
    let mut values = lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(key, _)| *key == name)
        .map(|(_, value)| value);
    match (values.next(), values.next()) {
        (None, _) => OneCookie::Absent,
        (Some(value), None) => OneCookie::Value(value),
        (Some(_), Some(_)) => OneCookie::Several,
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_repeated_cookie_is_believed_in_neither_form() {
        let with = |line: &str| TestRequest::default().insert_header((COOKIE, line)).to_http_request();
        assert_eq!(one_cookie(&with("a=1; __client=x"), "__client"), OneCookie::Value("x"));
        assert_eq!(one_cookie(&with("__client=x; __client=y"), "__client"), OneCookie::Several);
        assert_eq!(one_cookie(&with("__client2=x"), "__client"), OneCookie::Absent);
    }
}
