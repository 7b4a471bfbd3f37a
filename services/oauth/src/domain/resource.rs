//! The platform's own resources (RFC 8707): whom an access token can be for. Each service accepts only its own.

/// A resource of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resource {
    /// Sessions, devices and two-factor requests.
    Sessions,
    /// The verification API.
    Methods,
    /// Claims about the user.
    Userinfo,
    /// Administration.
    Admin,
    /// The authorization server itself: introspection by bearer, registration.
    AuthorizationServer,
}

impl Resource {
    const ALL: [Self; 5] = [Self::Sessions, Self::Methods, Self::Userinfo, Self::Admin, Self::AuthorizationServer];

    const fn path(self) -> &'static str {
        match self {
            Self::Sessions => "/sessions",
            Self::Methods => "/methods",
            Self::Userinfo => "/oauth2/userinfo",
            Self::Admin => "/admin",
            Self::AuthorizationServer => "/oauth2",
        }
    }

    /// Its identifier under `origin`: what stands in `aud`.
    #[must_use]
    pub fn uri(self, origin: &str) -> String {
        format!("{origin}{}", self.path())
    }

    /// The resource with exactly this identifier.
    #[must_use]
    pub fn identified(uri: &str, origin: &str) -> Option<Self> {
        let path = uri.strip_prefix(origin)?;
        Self::ALL.into_iter().find(|resource| resource.path() == path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_exact_identifier_names_a_resource() {
        let origin = "https://id.example";
        for resource in Resource::ALL {
            assert_eq!(Resource::identified(&resource.uri(origin), origin), Some(resource));
        }
        for wrong in [
            "",
            "/admin",
            "https://id.example",
            "https://id.example/admin/",
            "https://id.example.evil.test/admin",
            "https://id.example/ADMIN",
        ] {
            assert_eq!(Resource::identified(wrong, origin), None, "{wrong}");
        }
    }
}
