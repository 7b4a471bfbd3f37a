//! How a client presents itself: by exactly one method (RFC 6749, 2.3).

use secrecy::SecretString;
use thiserror::Error;

use super::client::AuthMethod;
use super::token_request::TokenRequest;

/// What a request presents of a client.
#[derive(Debug)]
pub enum Presented {
    /// An id and its secret.
    Secret {
        /// By which method.
        method: AuthMethod,
        /// The id, as sent.
        client_id: String,
        /// The secret, as sent.
        secret: SecretString,
    },
    /// An id alone.
    IdOnly(String),
    /// Nothing that is understood.
    Nothing,
}

/// Two methods in one request, or two clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a client authenticates by exactly one method")]
pub struct NotOneMethod;

/// What the `Authorization` header holds.
#[derive(Debug)]
pub enum Header {
    /// There is none.
    Absent,
    /// HTTP Basic, both halves decoded.
    Basic(String, SecretString),
    /// HTTP Basic that cannot be read.
    BrokenBasic,
    /// Another scheme.
    Other,
}

impl Header {
    /// Whether Basic was tried.
    #[must_use]
    pub const fn is_basic(&self) -> bool {
        matches!(self, Self::Basic(..) | Self::BrokenBasic)
    }
}

impl Presented {
    /// Finds the one method that is used.
    ///
    /// # Errors
    /// [`NotOneMethod`].
    pub fn find(header: Header, request: &TokenRequest) -> Result<Self, NotOneMethod> {
        let in_header = !matches!(header, Header::Absent);
        let methods = [in_header, request.client_secret.is_some(), request.has_assertion];
        if methods.into_iter().filter(|used| *used).count() > 1 {
            return Err(NotOneMethod);
        }
        let named = request.client_id.clone();
        Ok(match (header, named, request.client_secret.clone()) {
            (Header::Basic(client_id, _), Some(other), _) if other != client_id => return Err(NotOneMethod),
            (Header::Basic(client_id, secret), ..) => {
                Self::Secret { method: AuthMethod::SecretBasic, client_id, secret }
            }
            (Header::Absent, Some(client_id), Some(secret)) => {
                Self::Secret { method: AuthMethod::SecretPost, client_id, secret }
            }
            (Header::Absent, Some(client_id), None) if !request.has_assertion => Self::IdOnly(client_id),
            _ => Self::Nothing,
        })
    }
}

/// Undoes the form encoding of one half of a Basic credential (RFC 6749, 2.3.1). What is not encoded stands for itself, but `+` is a
/// blank.
#[must_use]
pub fn form_decoded(half: &str) -> String {
    // `&` and `=` would end the name that is read here; clients that encode never send them bare.
    let single = half.replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(single.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn request(form: &str) -> TokenRequest {
        TokenRequest::parse(form.as_bytes()).expect("a request")
    }

    fn basic(id: &str) -> Header {
        Header::Basic(id.to_owned(), "secret".to_owned().into())
    }

    #[test]
    fn two_methods_or_two_clients_are_refused() {
        for (header, form) in [
            (basic("a"), "client_secret=x"),
            (basic("a"), "client_id=a&client_secret=secret"),
            (basic("a"), "client_id=b"),
            (basic("a"), "client_assertion=x"),
            (Header::BrokenBasic, "client_id=a&client_secret=x"),
            (Header::Other, "client_id=a&client_secret=x"),
            (Header::Absent, "client_secret=x&client_assertion=x"),
        ] {
            assert!(Presented::find(header, &request(form)).is_err(), "{form}");
        }
    }

    #[test]
    fn one_method_is_found() {
        let found = |header, form: &str| Presented::find(header, &request(form)).expect("one method");
        assert!(matches!(found(basic("a"), "client_id=a"), Presented::Secret { method: AuthMethod::SecretBasic, .. }));
        assert!(matches!(
            found(Header::Absent, "client_id=a&client_secret=b"),
            Presented::Secret { method: AuthMethod::SecretPost, .. }
        ));
        assert!(matches!(found(Header::Absent, "client_id=a"), Presented::IdOnly(_)));
        assert!(matches!(found(Header::Absent, "client_secret=a"), Presented::Nothing));
        assert!(matches!(found(Header::Other, "client_id=a"), Presented::Nothing));
    }

    proptest! {
        #[test]
        fn every_encoded_half_is_decoded(text in "\\PC{0,40}") {
            let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
            prop_assert_eq!(form_decoded(&encoded), text);
        }
    }

    #[test]
    fn what_was_not_encoded_stands_for_itself() {
        assert_eq!(form_decoded("a/b=&c"), "a/b=&c");
        assert_eq!(form_decoded("a+b%2B%3A%25%20"), "a b+:% ");
        assert_eq!(form_decoded(""), "");
    }
}
