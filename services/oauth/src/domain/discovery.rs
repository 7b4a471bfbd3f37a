//! What the authorization server says about itself (RFC 8414, OpenID Connect Discovery 1.0): what works, and nothing else.

use serde::Serialize;

use super::client::{AuthMethod, GrantType};
use super::scope::{REGISTRY, Scope};
use super::token_request::SERVED_GRANTS;

/// The metadata. Members appear with the endpoints they describe.
#[derive(Debug, Serialize)]
pub struct Metadata {
    issuer: String,
    token_endpoint: String,
    jwks_uri: String,
    scopes_supported: Vec<&'static str>,
    /// Empty, for there is no authorization endpoint. RFC 8414, 2 demands the member; its rule that empty arrays are left out
    /// (3.2) would make the document look as if it forgot one.
    response_types_supported: [&'static str; 0],
    grant_types_supported: Vec<&'static str>,
    token_endpoint_auth_methods_supported: [&'static str; 2],
    subject_types_supported: [&'static str; 1],
    claims_parameter_supported: bool,
    request_parameter_supported: bool,
    /// Said because its default is true.
    request_uri_parameter_supported: bool,
}

impl Metadata {
    /// The metadata of `issuer`.
    #[must_use]
    pub fn of(issuer: &str) -> Self {
        Self {
            issuer: issuer.to_owned(),
            token_endpoint: format!("{issuer}/token"),
            jwks_uri: format!("{issuer}/jwks"),
            scopes_supported: REGISTRY.iter().filter(|scope| is_obtainable(scope)).map(|scope| scope.name).collect(),
            response_types_supported: [],
            grant_types_supported: SERVED_GRANTS.map(GrantType::name).to_vec(),
            token_endpoint_auth_methods_supported: [AuthMethod::SecretBasic, AuthMethod::SecretPost]
                .map(AuthMethod::name),
            subject_types_supported: ["public"],
            claims_parameter_supported: false,
            request_parameter_supported: false,
            request_uri_parameter_supported: false,
        }
    }
}

/// Whether some grant that is served can lead to the scope.
fn is_obtainable(scope: &Scope) -> bool {
    SERVED_GRANTS.into_iter().any(|grant| match grant {
        GrantType::ClientCredentials => scope.fits_own_token(),
        GrantType::AuthorizationCode | GrantType::RefreshToken => scope.fits_users_token(),
    })
}
