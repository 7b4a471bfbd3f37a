//! OAuth clients: what is registered about each, and what follows from it.

use std::fmt;

use tessera_common::clock::Timestamp;
use tessera_tokens::jwk::Algorithm;

use super::scope::Scopes;

/// The name of a client: 1 to 128 characters of `[A-Za-z0-9._~-]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientId(String);

impl ClientId {
    /// The id, if it is one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._~-".contains(&byte);
        ((1..=128).contains(&text.len()) && text.bytes().all(allowed)).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Declares an enum whose values have names on the wire and in storage.
macro_rules! named {
    ($(#[$doc:meta])* $name:ident { $($(#[$value_doc:meta])* $value:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$value_doc])* $value),+ }

        impl $name {
            /// Its name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$value => $text),+ }
            }

            /// The value of that name.
            #[must_use]
            pub fn named(name: &str) -> Option<Self> {
                [$(Self::$value),+].into_iter().find(|value| value.name() == name)
            }
        }
    };
}

named! {
    /// How a client proves itself (RFC 7591, 2: `token_endpoint_auth_method`).
    AuthMethod {
        /// HTTP Basic.
        SecretBasic = "client_secret_basic",
        /// In the form.
        SecretPost = "client_secret_post",
        /// Not at all: a public client.
        None = "none",
    }
}

named! {
    /// A way to a token (RFC 6749, 1.3).
    GrantType {
        /// A user's, by a code.
        AuthorizationCode = "authorization_code",
        /// Another one for the same grant.
        RefreshToken = "refresh_token",
        /// The client's own.
        ClientCredentials = "client_credentials",
    }
}

named! {
    /// What the authorization endpoint may answer.
    ResponseType {
        /// A code.
        Code = "code",
    }
}

named! {
    /// The form of access tokens for resources that are not the platform's; the platform's are always JWTs.
    AccessTokenFormat {
        /// A JWT that the resource checks itself (RFC 9068).
        Jwt = "jwt",
        /// A secret that the resource asks about (RFC 7662).
        Opaque = "opaque",
    }
}

/// A registered client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthClient {
    /// Its `client_id`.
    pub id: ClientId,
    /// For people.
    pub name: String,
    /// Whether it may be used.
    pub enabled: bool,
    /// Whether it is the operator's own.
    pub first_party: bool,
    /// How it may prove itself; `none` stands alone.
    pub auth_methods: Vec<AuthMethod>,
    /// The grants it may use.
    pub grants: Vec<GrantType>,
    /// What it may ask of the authorization endpoint.
    pub response_types: Vec<ResponseType>,
    /// All it may ever be granted.
    pub scopes: Scopes,
    /// Where codes may go, compared exactly.
    pub redirect_uris: Vec<String>,
    /// Whether its authorization requests need PKCE; those of a public client always do.
    pub require_pkce: bool,
    /// The form of its access tokens for other resources.
    pub access_token_format: AccessTokenFormat,
    /// What its access tokens are signed with.
    pub access_token_alg: Algorithm,
    /// Life of its access tokens, in seconds.
    pub access_token_ttl_s: i64,
    /// What its ID tokens are signed with.
    pub id_token_alg: Algorithm,
    /// Rises with each change.
    pub version: i64,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

impl OAuthClient {
    /// Whether it can keep a secret, and has to show it.
    #[must_use]
    pub fn is_confidential(&self) -> bool {
        !self.auth_methods.is_empty() && !self.auth_methods.contains(&AuthMethod::None)
    }

    /// Whether it may use `grant`. A token of its own is for confidential clients only (RFC 6749, 4.4).
    #[must_use]
    pub fn may_use(&self, grant: GrantType) -> bool {
        self.grants.contains(&grant) && (grant != GrantType::ClientCredentials || self.is_confidential())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_short_and_unreserved() {
        for id in ["tessera-dev", "5f1a0c3e9b2d4a6c8e0f1a2b", "a", "A.b_c~d-1", &"x".repeat(128)] {
            assert!(ClientId::parse(id).is_some(), "{id}");
        }
        for wrong in ["", "a b", "a:b", "ä", "a\0", "a/b", "a%20", &"x".repeat(129)] {
            assert!(ClientId::parse(wrong).is_none(), "{wrong}");
        }
    }
}
