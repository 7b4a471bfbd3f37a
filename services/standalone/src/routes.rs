//! `deploy/routes.toml`: which service answers which public path. The one source of this program's router, the gateway and the Ingress.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use figment::Figment;
use figment::providers::{Format as _, Toml};
use serde::Deserialize;

const ROUTES: &str = include_str!("../../../deploy/routes.toml");

/// The table.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Routes(BTreeMap<String, Paths>);

#[derive(Clone, Debug, Deserialize)]
struct Paths {
    prefixes: Vec<String>,
    exact: Vec<String>,
}

/// One line of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Route<'a> {
    /// A path and what is below it.
    Prefix(&'a str),
    /// A path alone.
    Exact(&'a str),
}

impl Route<'_> {
    const fn len(self) -> usize {
        match self {
            Self::Prefix(path) | Self::Exact(path) => path.len(),
        }
    }

    fn matches(self, path: &str) -> bool {
        match self {
            Self::Prefix(prefix) => is_under(path, prefix),
            Self::Exact(exact) => path == exact,
        }
    }
}

impl Routes {
    /// The committed table.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn committed() -> anyhow::Result<Self> {
        Ok(Figment::from(Toml::string(ROUTES)).extract()?)
    }

    /// Every line with its service: where two match a path, the first of them counts.
    #[must_use]
    pub fn longest_first(&self) -> Vec<(&str, Route<'_>)> {
        let mut lines: Vec<_> = self.0.iter().flat_map(|(service, paths)| paths.lines(service)).collect();
        lines.sort_by_key(|(service, route)| (Reverse(route.len()), Reverse(*route), *service));
        lines
    }

    /// The service that answers `path`.
    #[must_use]
    pub fn service_of(&self, path: &str) -> Option<&str> {
        self.longest_first().into_iter().find(|(_, route)| route.matches(path)).map(|(service, _)| service)
    }
}

impl Paths {
    fn lines<'a>(&'a self, service: &'a str) -> impl Iterator<Item = (&'a str, Route<'a>)> {
        let prefixes = self.prefixes.iter().map(|prefix| Route::Prefix(prefix));
        let exact = self.exact.iter().map(|path| Route::Exact(path));
        prefixes.chain(exact).map(move |route| (service, route))
    }
}

fn is_under(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tessera_common::server::Endpoints;

    #[test]
    fn every_operation_is_routed_to_the_service_that_registers_it() {
        let routes = Routes::committed().expect("the table");
        let services: [(&str, Endpoints); 4] = [
            ("auth", tessera_auth::endpoints()),
            ("sessions", tessera_sessions::endpoints()),
            ("verify", tessera_verify::endpoints().and(tessera_verify::dev_endpoints())),
            ("oauth", tessera_oauth::endpoints()),
        ];
        for (service, endpoints) in services {
            for endpoint in endpoints.iter() {
                assert_eq!(routes.service_of(endpoint.path()), Some(service), "{endpoint:?}");
            }
        }
    }

    #[test]
    fn a_prefix_ends_at_a_segment_and_the_longest_wins() {
        let routes = Routes::committed().expect("the table");
        for (path, service) in [
            ("/sessions", "sessions"),
            ("/sessions/1", "sessions"),
            ("/sessionsx", "auth"),
            ("/auth/logout", "oauth"),
            ("/auth/logout/x", "auth"),
            ("/auth/login", "auth"),
            ("/.well-known/jwks.json", "sessions"),
            ("/.well-known/openid-configuration", "auth"),
            ("/", "auth"),
        ] {
            assert_eq!(routes.service_of(path), Some(service), "{path}");
        }
    }
}
