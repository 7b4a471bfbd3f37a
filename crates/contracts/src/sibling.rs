//! Who calls: the services that have anything to ask of another.

/// A service that calls others. verify is none: it calls nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sibling {
    /// auth.
    Auth,
    /// sessions.
    Sessions,
    /// oauth.
    OAuth,
}

impl Sibling {
    /// The service of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "auth" => Some(Self::Auth),
            "sessions" => Some(Self::Sessions),
            "oauth" => Some(Self::OAuth),
            _ => None,
        }
    }

    /// Its name: in its tokens, in `deploy/calls.toml`, in storage.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Sessions => "sessions",
            Self::OAuth => "oauth",
        }
    }
}
