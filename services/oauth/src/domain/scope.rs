//! The scope registry: the one table of what a scope opens and who may hold it. Tokens, discovery and consent follow it.

use std::fmt;

use super::resource::Resource;

/// Who may hold a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holder {
    /// Any client, in a user's token.
    User,
    /// The operator's own clients, in a user's token.
    FirstPartyUser,
    /// A confidential client, in a token of its own.
    Client,
    /// An administrator through a first-party client, or a confidential client in a token of its own.
    Administrator,
    /// Whoever was handed an initial access token (RFC 7591, 3); never granted by the token endpoint.
    InitialAccess,
}

/// A scope.
#[derive(Debug, PartialEq, Eq)]
pub struct Scope {
    /// Its name on the wire.
    pub name: &'static str,
    /// The resource that it opens.
    pub opens: Option<Resource>,
    /// Who may hold it.
    pub holder: Holder,
    /// What a user is asked to agree to; empty where no user is asked.
    pub consent: &'static str,
}

const fn scope(name: &'static str, opens: Option<Resource>, holder: Holder, consent: &'static str) -> Scope {
    Scope { name, opens, holder, consent }
}

/// Every scope there is.
#[rustfmt::skip]
pub static REGISTRY: [Scope; 14] = [
    scope("openid", Some(Resource::Userinfo), Holder::User, "Know who you are here"),
    scope("profile", None, Holder::User, "See your name and profile"),
    scope("email", None, Holder::User, "See your e-mail address"),
    scope("phone", None, Holder::User, "See your phone number"),
    scope("organizations", None, Holder::User, "See your organizations and your role in them"),
    scope("offline_access", None, Holder::User, "Keep access while you are away"),
    scope("session", Some(Resource::Sessions), Holder::FirstPartyUser, "See and end your sessions"),
    scope("signup", Some(Resource::Sessions), Holder::FirstPartyUser, "Approve sign-ins from this device"),
    scope("verify", Some(Resource::Methods), Holder::Client, ""),
    scope("verify:forced_code", Some(Resource::Methods), Holder::Client, ""),
    scope("introspect-token", Some(Resource::AuthorizationServer), Holder::Client, ""),
    scope("client:register", Some(Resource::AuthorizationServer), Holder::InitialAccess, ""),
    scope("admin:read", Some(Resource::Admin), Holder::Administrator, "Read, but not change, this platform"),
    scope("admin", Some(Resource::Admin), Holder::Administrator, "Administer this platform"),
];

impl Scope {
    /// The scope of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        REGISTRY.iter().find(|scope| scope.name == name)
    }

    /// Whether a confidential client may hold it in a token of its own.
    #[must_use]
    pub const fn fits_own_token(&self) -> bool {
        matches!(self.holder, Holder::Client | Holder::Administrator)
    }

    /// Whether some client may hold it in a user's token.
    #[must_use]
    pub const fn fits_users_token(&self) -> bool {
        matches!(self.holder, Holder::User | Holder::FirstPartyUser | Holder::Administrator)
    }

    /// The resource that it opens in a user's token of a client: for first-party ones `profile` counts as `session`.
    #[must_use]
    pub fn opens_for(&self, first_party: bool) -> Option<Resource> {
        if first_party && self.name == "profile" { Some(Resource::Sessions) } else { self.opens }
    }
}

/// Most bytes of a `scope` parameter that are looked at.
const MAX_BYTES: usize = 1024;
/// Most scopes in one parameter.
const MAX_ITEMS: usize = 50;

/// A set of scopes, in the registry's order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Vec<&'static Scope>);

impl Scopes {
    /// Reads a `scope` parameter (RFC 6749, 3.3). `None` when it is too large, empty, or names a scope that there is none of.
    #[must_use]
    pub fn parse(parameter: &str) -> Option<Self> {
        if parameter.len() > MAX_BYTES || parameter.split(' ').count() > MAX_ITEMS {
            return None;
        }
        let named: Option<Vec<_>> = parameter.split(' ').filter(|name| !name.is_empty()).map(Scope::named).collect();
        named.filter(|scopes| !scopes.is_empty()).map(Self::of)
    }

    /// The scopes of those names; names that are unknown grant nothing.
    #[must_use]
    pub fn known<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self::of(names.into_iter().filter_map(Scope::named).collect())
    }

    fn of(scopes: Vec<&'static Scope>) -> Self {
        Self(REGISTRY.iter().filter(|scope| scopes.contains(scope)).collect())
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &'static Scope> {
        self.0.iter().copied()
    }

    /// Those for which `keep` holds.
    #[must_use]
    pub fn only(&self, keep: impl Fn(&Scope) -> bool) -> Self {
        Self(self.iter().filter(|scope| keep(scope)).collect())
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all of these are among `others`.
    #[must_use]
    pub fn are_within(&self, others: &Self) -> bool {
        self.iter().all(|scope| others.0.contains(&scope))
    }

    /// Their names.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        self.iter().map(|scope| scope.name).collect()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.names().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn order_and_repeats_have_no_meaning() {
        let parse = |text| Scopes::parse(text).expect("scopes");
        assert_eq!(parse("profile openid openid"), parse("openid profile"));
        assert_eq!(parse("profile openid").to_string(), "openid profile");
    }

    #[test]
    fn unknown_empty_and_oversized_ones_are_refused() {
        let long = format!("openid{}", " ".repeat(MAX_BYTES));
        let many = vec!["openid"; MAX_ITEMS + 1].join(" ");
        for wrong in ["", " ", "openid bogus", "OPENID", "openid\tprofile", long.as_str(), many.as_str()] {
            assert_eq!(Scopes::parse(wrong), None, "{wrong}");
        }
        assert!(Scopes::parse(&vec!["openid"; MAX_ITEMS].join(" ")).is_some());
    }

    #[test]
    fn a_users_consent_is_asked_in_words_and_no_other() {
        for scope in &REGISTRY {
            let asked = !matches!(scope.holder, Holder::Client | Holder::InitialAccess);
            assert_eq!(!scope.consent.is_empty(), asked, "{}", scope.name);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(names in proptest::sample::subsequence(REGISTRY.iter().map(|s| s.name).collect::<Vec<_>>(), 1..=REGISTRY.len())) {
            let scopes = Scopes::known(names.iter().copied());
            prop_assert_eq!(Scopes::parse(&scopes.to_string()), Some(scopes));
        }

        #[test]
        fn a_narrowed_set_is_within_the_whole(names in proptest::sample::subsequence(REGISTRY.iter().map(|s| s.name).collect::<Vec<_>>(), 0..=REGISTRY.len())) {
            let scopes = Scopes::known(names.iter().copied());
            prop_assert!(scopes.only(Scope::fits_own_token).are_within(&scopes));
        }
    }
}
