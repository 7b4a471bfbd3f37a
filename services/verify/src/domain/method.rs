//! The ways a consumer is reached, as tenants name them in paths.

/// A way to prove something. A word that is none of these is not supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A code by mail.
    Email,
}

impl Method {
    /// The method of that name, exactly.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "email" => Some(Self::Email),
            _ => None,
        }
    }

    /// Its name in paths and in storage.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
        }
    }
}
