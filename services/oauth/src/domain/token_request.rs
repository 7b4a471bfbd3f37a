//! What a request to the token endpoint says, whichever of the two spellings it uses.

use secrecy::SecretString;
use thiserror::Error;

use super::client::GrantType;

/// A form as sent, its parameters known by their canonical names.
#[derive(Debug, Default)]
pub struct TokenRequest {
    /// The `grant_type`, as sent.
    pub grant_type: Option<String>,
    /// The `scope`, as sent.
    pub scope: Option<String>,
    /// Every `resource` (RFC 8707 lets it be repeated).
    pub resources: Vec<String>,
    /// The `client_id`.
    pub client_id: Option<String>,
    /// The `client_secret`.
    pub client_secret: Option<SecretString>,
    /// Whether there is a `client_assertion`.
    pub has_assertion: bool,
    /// Whether a parameter was spelt in camelCase; the answer then has both spellings too.
    pub is_camel_case: bool,
}

/// Why a form is not a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Unreadable {
    /// A parameter is there twice, in one spelling or in both.
    #[error("a parameter is there twice")]
    Repeated,
    /// No `grant_type`.
    #[error("grant_type is missing")]
    NoGrantType,
    /// A grant there is none of here.
    #[error("no such grant")]
    UnsupportedGrantType,
}

/// A parameter that is read here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Parameter {
    GrantType,
    Scope,
    Resource,
    ClientId,
    ClientSecret,
    ClientAssertion,
}

/// Names, canonical (RFC 6749) and in camelCase.
const NAMES: [(Parameter, &str, &str); 6] = [
    (Parameter::GrantType, "grant_type", "grantType"),
    (Parameter::Scope, "scope", "scope"),
    (Parameter::Resource, "resource", "resource"),
    (Parameter::ClientId, "client_id", "clientId"),
    (Parameter::ClientSecret, "client_secret", "clientSecret"),
    (Parameter::ClientAssertion, "client_assertion", "clientAssertion"),
];

/// The grants that are served.
pub const SERVED_GRANTS: [GrantType; 1] = [GrantType::ClientCredentials];

impl TokenRequest {
    /// Reads a form. Unknown parameters are ignored, those without a value count as absent.
    ///
    /// # Errors
    /// [`Unreadable::Repeated`].
    pub fn parse(form: &[u8]) -> Result<Self, Unreadable> {
        let mut request = Self::default();
        let mut seen = Vec::new();
        for (name, value) in url::form_urlencoded::parse(form) {
            let Some((parameter, canonical, _)) =
                NAMES.iter().find(|(_, snake, camel)| name == *snake || name == *camel)
            else {
                continue;
            };
            if seen.contains(parameter) && *parameter != Parameter::Resource {
                return Err(Unreadable::Repeated);
            }
            seen.push(*parameter);
            request.is_camel_case |= name != *canonical;
            if !value.is_empty() {
                request.set(*parameter, value.into_owned());
            }
        }
        Ok(request)
    }

    fn set(&mut self, parameter: Parameter, value: String) {
        match parameter {
            Parameter::GrantType => self.grant_type = Some(value),
            Parameter::Scope => self.scope = Some(value),
            Parameter::Resource => self.resources.push(value),
            Parameter::ClientId => self.client_id = Some(value),
            Parameter::ClientSecret => self.client_secret = Some(value.into()),
            Parameter::ClientAssertion => self.has_assertion = true,
        }
    }

    /// The grant that is asked for.
    ///
    /// # Errors
    /// [`Unreadable::NoGrantType`] or [`Unreadable::UnsupportedGrantType`].
    pub fn grant(&self) -> Result<GrantType, Unreadable> {
        let name = self.grant_type.as_deref().ok_or(Unreadable::NoGrantType)?;
        GrantType::named(name).filter(|grant| SERVED_GRANTS.contains(grant)).ok_or(Unreadable::UnsupportedGrantType)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(form: &str) -> Result<TokenRequest, Unreadable> {
        TokenRequest::parse(form.as_bytes())
    }

    #[test]
    fn both_spellings_say_the_same() {
        let snake = parse("grant_type=client_credentials&client_id=a&client_secret=b").expect("a request");
        let camel = parse("grantType=client_credentials&clientId=a&clientSecret=b").expect("a request");
        assert_eq!(snake.grant(), Ok(GrantType::ClientCredentials));
        assert_eq!((snake.grant(), &snake.client_id), (camel.grant(), &camel.client_id));
        assert!(!snake.is_camel_case);
        assert!(camel.is_camel_case);
        assert!(parse("grantType=client_credentials&client_id=a").expect("a request").is_camel_case);
    }

    #[test]
    fn a_parameter_is_there_once() {
        for twice in ["scope=a&scope=a", "grant_type=x&grantType=x", "client_id=a&clientId=", "scope=&scope=a"] {
            assert_eq!(parse(twice).err(), Some(Unreadable::Repeated), "{twice}");
        }
        assert_eq!(parse("resource=a&resource=b").expect("a request").resources, ["a", "b"]);
        assert!(parse("extra=1&extra=2").is_ok());
    }

    #[test]
    fn empty_is_absent() {
        let request = parse("grant_type=&scope=&resource=").expect("a request");
        assert_eq!(request.grant(), Err(Unreadable::NoGrantType));
        assert!(request.scope.is_none() && request.resources.is_empty());
    }

    #[test]
    fn only_served_grants_are_grants() {
        for grant in ["password", "implicit", "authorization_code", "refresh_token", "CLIENT_CREDENTIALS"] {
            let request = parse(&format!("grant_type={grant}")).expect("a request");
            assert_eq!(request.grant(), Err(Unreadable::UnsupportedGrantType), "{grant}");
        }
    }
}
