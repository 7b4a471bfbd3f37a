//! Keys that services vouch for themselves with, for the services of one test.

use secrecy::ExposeSecret as _;
use serde_json::json;
use tessera_tokens::service_key::ServiceKey;

/// A private key for each service, and the set that all of them trust.
#[derive(Clone, Debug)]
pub struct ServiceKeySet {
    /// The services with their keys, as the setting `service_key` takes one.
    pub private: Vec<(String, String)>,
    /// The public keys of all: what the setting `service_keys` names a file of.
    pub public: String,
}

impl ServiceKeySet {
    /// New keys for these services.
    ///
    /// # Panics
    /// When the machine has no randomness.
    #[must_use]
    pub fn generate(services: &[&str]) -> Self {
        let (mut private, mut public) = (Vec::new(), Vec::new());
        for service in services {
            let text = ServiceKey::generate(service).expect("a key");
            let key = ServiceKey::parse(service, &text).expect("a key of the service");
            public.push(serde_json::to_value(key.public()).expect("JSON"));
            private.push(((*service).to_owned(), text.expose_secret().to_owned()));
        }
        Self { private, public: json!({ "keys": public }).to_string() }
    }
}
