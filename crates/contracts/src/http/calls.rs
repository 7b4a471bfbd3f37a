//! Who calls whom: `deploy/calls.toml`, the one source of the callers that an internal route admits.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use figment::Figment;
use figment::providers::{Format as _, Toml};
use serde::Deserialize;

/// By service that answers and by method: the services that may call it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(transparent)]
pub struct Calls(BTreeMap<String, BTreeMap<String, Vec<String>>>);

impl Calls {
    /// The committed table. One that could not be read would admit nobody; a test reads it.
    #[must_use]
    pub fn committed() -> &'static Self {
        static CALLS: LazyLock<Calls> = LazyLock::new(|| {
            let table = include_str!("../../../../deploy/calls.toml");
            Figment::from(Toml::string(table)).extract().unwrap_or_default()
        });
        &CALLS
    }

    /// Whether `caller` may call `method` of `service`.
    #[must_use]
    pub fn admit(&self, service: &str, method: &str, caller: &str) -> bool {
        let callers = self.0.get(service).and_then(|methods| methods.get(method));
        callers.is_some_and(|callers| callers.iter().any(|admitted| admitted == caller))
    }

    /// Every method: who answers, its name, and who may call it.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str, &[String])> {
        self.0.iter().flat_map(|(service, methods)| {
            methods.iter().map(move |(method, callers)| (service.as_str(), method.as_str(), callers.as_slice()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sibling::Sibling;

    #[test]
    fn who_is_listed_is_admitted_and_nobody_else() {
        let calls = Calls::committed();
        assert!(calls.admit("sessions", "standing", "oauth"));
        for (service, method, caller) in [
            ("sessions", "standing", "verify"),
            ("sessions", "standing", ""),
            ("sessions", "", "oauth"),
            ("verify", "standing", "oauth"),
            ("", "", ""),
        ] {
            assert!(!calls.admit(service, method, caller), "{caller} calls {service}/{method}");
        }
    }

    #[test]
    fn nobody_calls_itself_or_verify_anybody() {
        for (service, method, callers) in Calls::committed().iter() {
            assert!(!callers.is_empty(), "{service}/{method}");
            for caller in callers {
                assert!(Sibling::named(caller).is_some(), "{caller} calls {service}/{method}");
                assert_ne!(service, caller, "{method}");
            }
        }
    }
}
