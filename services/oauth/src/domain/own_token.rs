//! What a client is granted in a token of its own (RFC 6749, 4.4).

use thiserror::Error;

use super::client::{GrantType, OAuthClient};
use super::resource::Resource;
use super::scope::{Scope, Scopes};

/// What a token is good for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// Its scopes, never none.
    pub scopes: Scopes,
    /// Its resources, never none.
    pub audience: Vec<Resource>,
}

/// Why a token is not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NotGranted {
    /// The client may not use this grant.
    #[error("the client may not use this grant")]
    UnauthorizedClient,
    /// A scope that there is none of, that the client lacks, or that only a user's token can have.
    #[error("the scope is not granted")]
    InvalidScope,
    /// A resource that there is none of, or that no granted scope opens.
    #[error("the resource is not granted")]
    InvalidTarget,
}

/// Decides what `client` gets for the scopes and resources it asks for. Without `scope`: all that it may hold in a token of its own.
/// With `resources`: what opens them, and nothing else (RFC 8707, 2.2).
///
/// # Errors
/// Why not.
pub fn decide(
    client: &OAuthClient,
    scope: Option<&str>,
    resources: &[String],
    origin: &str,
) -> Result<Granted, NotGranted> {
    if !client.may_use(GrantType::ClientCredentials) {
        return Err(NotGranted::UnauthorizedClient);
    }
    let holdable = client.scopes.only(Scope::fits_own_token);
    let asked = match scope {
        Some(scope) => Scopes::parse(scope).filter(|asked| asked.are_within(&holdable)),
        None => Some(holdable).filter(|all| !all.is_empty()),
    };
    let asked = asked.ok_or(NotGranted::InvalidScope)?;
    if resources.is_empty() {
        return Ok(Granted { audience: opened(&asked), scopes: asked });
    }
    let targets: Option<Vec<_>> = resources.iter().map(|uri| Resource::identified(uri, origin)).collect();
    let targets = targets.ok_or(NotGranted::InvalidTarget)?;
    let scopes = asked.only(|scope| scope.opens.is_some_and(|opens| targets.contains(&opens)));
    let audience = opened(&scopes);
    if targets.iter().all(|target| audience.contains(target)) {
        Ok(Granted { scopes, audience })
    } else {
        Err(NotGranted::InvalidTarget)
    }
}

fn opened(scopes: &Scopes) -> Vec<Resource> {
    let mut resources = Vec::new();
    for resource in scopes.iter().filter_map(|scope| scope.opens) {
        if !resources.contains(&resource) {
            resources.push(resource);
        }
    }
    resources
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tessera_common::clock::Timestamp;
    use tessera_tokens::jwk::Algorithm;

    use super::*;
    use crate::domain::client::{AccessTokenFormat, AuthMethod, ClientId};
    use crate::domain::scope::REGISTRY;

    const ORIGIN: &str = "https://id.example";

    fn client(scopes: &str) -> OAuthClient {
        OAuthClient {
            id: ClientId::parse("a").expect("an id"),
            name: String::new(),
            enabled: true,
            first_party: false,
            auth_methods: vec![AuthMethod::SecretBasic],
            grants: vec![GrantType::ClientCredentials],
            response_types: vec![],
            scopes: Scopes::known(scopes.split(' ')),
            redirect_uris: vec![],
            require_pkce: true,
            access_token_format: AccessTokenFormat::Jwt,
            access_token_alg: Algorithm::RS256,
            access_token_ttl_s: 300,
            id_token_alg: Algorithm::RS256,
            version: 1,
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    fn granted(
        client: &OAuthClient,
        scope: Option<&str>,
        paths: &[&str],
    ) -> Result<(String, Vec<Resource>), NotGranted> {
        let resources: Vec<_> = paths.iter().map(|path| format!("{ORIGIN}{path}")).collect();
        decide(client, scope, &resources, ORIGIN).map(|granted| (granted.scopes.to_string(), granted.audience))
    }

    #[test]
    fn without_a_scope_it_is_all_that_fits_a_token_of_its_own() {
        let all = client("openid session verify admin");
        assert_eq!(granted(&all, None, &[]), Ok(("verify admin".to_owned(), vec![Resource::Methods, Resource::Admin])));
        assert_eq!(granted(&client("openid"), None, &[]), Err(NotGranted::InvalidScope));
    }

    #[test]
    fn more_than_registered_or_a_users_scope_is_refused() {
        let some = client("openid verify");
        assert_eq!(granted(&some, Some("verify"), &[]), Ok(("verify".to_owned(), vec![Resource::Methods])));
        for scope in ["admin", "verify admin", "openid", "verify openid", "bogus", "verify bogus", " "] {
            assert_eq!(granted(&some, Some(scope), &[]), Err(NotGranted::InvalidScope), "{scope}");
        }
        assert_eq!(granted(&client("client:register"), Some("client:register"), &[]), Err(NotGranted::InvalidScope));
    }

    #[test]
    fn a_resource_narrows_the_token_to_what_opens_it() {
        let both = client("verify admin");
        assert_eq!(granted(&both, None, &["/admin"]), Ok(("admin".to_owned(), vec![Resource::Admin])));
        assert_eq!(granted(&both, None, &["/admin", "/methods", "/admin"]).map(|(_, audience)| audience.len()), Ok(2));
        for paths in [&["/sessions"][..], &["/admin", "/sessions"], &["/nowhere"], &["/admin#"], &["/admin", ""]] {
            assert_eq!(granted(&both, None, paths), Err(NotGranted::InvalidTarget), "{paths:?}");
        }
        assert_eq!(granted(&both, Some("verify"), &["/admin"]), Err(NotGranted::InvalidTarget));
    }

    #[test]
    fn the_grant_is_for_confidential_clients_that_are_registered_for_it() {
        let public = OAuthClient { auth_methods: vec![AuthMethod::None], ..client("verify") };
        let unregistered = OAuthClient { grants: vec![GrantType::RefreshToken], ..client("verify") };
        let without_method = OAuthClient { auth_methods: vec![], ..client("verify") };
        for client in [public, unregistered, without_method] {
            assert_eq!(granted(&client, None, &[]), Err(NotGranted::UnauthorizedClient));
        }
    }

    fn any_scopes() -> impl Strategy<Value = String> {
        let names: Vec<_> = REGISTRY.iter().map(|scope| scope.name).collect();
        proptest::sample::subsequence(names, 0..=REGISTRY.len()).prop_map(|names| names.join(" "))
    }

    proptest! {
        /// Whatever is asked for, a token has no scope the client lacks, none that needs a user, and an audience for each resource.
        #[test]
        fn nothing_is_granted_beyond_the_registration(registered in any_scopes(), asked in any_scopes()) {
            let client = client(&registered);
            if let Ok(granted) = decide(&client, Some(&asked), &[], ORIGIN) {
                prop_assert!(granted.scopes.are_within(&client.scopes));
                prop_assert!(granted.scopes.iter().all(Scope::fits_own_token));
                prop_assert!(!granted.scopes.is_empty() && !granted.audience.is_empty());
            }
        }
    }
}
