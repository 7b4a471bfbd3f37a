//! `deploy/routes.toml`: which service answers which public path. The one source of this program's router, the gateway and the Ingress.

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

impl Routes {
    /// The committed table.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn committed() -> anyhow::Result<Self> {
        Ok(Figment::from(Toml::string(ROUTES)).extract()?)
    }

    /// The service that answers `path`.
    #[must_use]
    pub fn service_of(&self, path: &str) -> Option<&str> {
        let matches = self.0.iter().flat_map(|(service, paths)| {
            let exact = paths.exact.iter().filter(|exact| *exact == path);
            let prefixes = paths.prefixes.iter().filter(|prefix| is_under(path, prefix));
            exact.chain(prefixes).map(move |matched| (matched.len(), service))
        });
        matches.max().map(|(_, service)| service.as_str())
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
