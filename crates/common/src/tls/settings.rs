//! The settings of transport security, which every process has.

use std::path::Path;

use serde::Deserialize;

use super::identity::IdentityError;
use super::{ServerIdentity, Trust};
use crate::config::ConfigError;
use crate::profile::Profile;

/// What the connections between processes must be: the setting `transport`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// Not said: TLS in production, as it comes in the dev profile.
    #[default]
    #[serde(rename = "")]
    ByProfile,
    /// Encrypted and verified wherever they leave the machine.
    Tls,
    /// As they are set up: something else protects the network, or nobody else is on it.
    TrustedNetwork,
}

impl Transport {
    /// Whether a connection that leaves the machine must be encrypted.
    #[must_use]
    pub const fn demands_tls(self, profile: Profile) -> bool {
        match self {
            Self::ByProfile => matches!(profile, Profile::Production),
            Self::Tls => true,
            Self::TrustedNetwork => false,
        }
    }
}

/// The section `[tls]`: names of PEM files, each empty where it is not given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct TlsSettings {
    /// The certificate of the listeners, with its intermediates.
    #[serde(default)]
    pub certificate: String,
    /// Its private key.
    #[serde(default)]
    pub key: String,
    /// The authorities that connections to other processes trust; none: those of the system.
    #[serde(default)]
    pub authorities: String,
}

impl TlsSettings {
    /// What the listeners prove their name with; `None` when they are to be plain.
    ///
    /// # Errors
    /// When one file is named without the other, or they hold nothing to serve with.
    pub fn identity(&self) -> Result<Option<ServerIdentity>, ConfigError> {
        match (self.certificate.as_str(), self.key.as_str()) {
            ("", "") => Ok(None),
            (certificate, "") => Err(wrong("tls.key", "name the file with the certificate's private key", certificate)),
            ("", key) => Err(wrong("tls.certificate", "name the file with the certificate of the key", key)),
            (certificate, key) => {
                ServerIdentity::open(Path::new(certificate), Path::new(key)).map(Some).map_err(|error| match error {
                    IdentityError::Key { .. } => wrong("tls.key", &error.to_string(), key),
                    IdentityError::Certificate { .. } => wrong("tls.certificate", &error.to_string(), certificate),
                })
            }
        }
    }

    /// Whom connections to other processes trust, and whether they may be plain.
    ///
    /// # Errors
    /// When the file of authorities cannot be read or holds none.
    pub fn trust(&self, transport: Transport, profile: Profile) -> Result<Trust, ConfigError> {
        let trust = match self.authorities.as_str() {
            "" => Trust::default(),
            file => Trust::of_file(Path::new(file)).map_err(|problem| wrong("tls.authorities", &problem, file))?,
        };
        Ok(if transport.demands_tls(profile) { trust.demanding_tls() } else { trust })
    }
}

fn wrong(setting: &str, problem: &str, origin: &str) -> ConfigError {
    ConfigError::Setting { setting: setting.to_owned(), problem: problem.to_owned(), origin: origin.to_owned() }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;
    use crate::clock::Clock;
    use crate::tls::DevCertificates;

    fn named(error: &ConfigError) -> &str {
        match error {
            ConfigError::Setting { setting, .. } => setting,
            other => panic!("{other}"),
        }
    }

    #[test]
    fn what_cannot_be_served_with_is_refused_by_its_setting() {
        let folder = tempfile::tempdir().expect("a folder");
        let [ours, theirs] = [(); 2].map(|()| DevCertificates::make(&[], &Clock::machine()).expect("certificates"));
        let file = |name: &str, content: &str| {
            let file = folder.path().join(name);
            std::fs::write(&file, content).expect("written");
            file.display().to_string()
        };
        let (certificate, key) = (file("a.pem", &ours.certificate), file("a.key", ours.key.expose_secret()));
        let (other_key, empty) = (file("b.key", theirs.key.expose_secret()), file("empty", ""));
        let identity = |certificate: &str, key: &str| {
            let (certificate, key) = (certificate.to_owned(), key.to_owned());
            TlsSettings { certificate, key, authorities: String::new() }.identity()
        };
        assert!(matches!(identity("", ""), Ok(None)));
        assert!(matches!(identity(&certificate, &key), Ok(Some(_))));
        for (certificate, key, setting) in [
            (certificate.as_str(), "", "tls.key"),
            ("", &key, "tls.certificate"),
            (&certificate, &other_key, "tls.key"),
            (&certificate, &empty, "tls.key"),
            (&empty, &key, "tls.certificate"),
            ("/nonexistent.pem", &key, "tls.certificate"),
            (&certificate, "/nonexistent.key", "tls.key"),
        ] {
            let error = identity(certificate, key).expect_err("refused");
            assert_eq!(named(&error), setting, "{error}");
        }
    }

    #[test]
    fn tls_is_demanded_when_it_is_said_and_in_production_when_nothing_is() {
        use Profile::{Dev, Production};
        let demands = |text: &str, profile| {
            let transport: Transport = serde_json::from_value(text.into()).expect("a transport");
            TlsSettings::default().trust(transport, profile).expect("trust").demands_tls()
        };
        assert!(demands("", Production) && demands("tls", Production) && demands("tls", Dev));
        assert!(!demands("", Dev) && !demands("trusted-network", Production));
        assert!(serde_json::from_value::<Transport>("plain".into()).is_err());
    }

    #[test]
    fn authorities_that_are_none_are_refused_by_their_setting() {
        let settings = TlsSettings { authorities: "/nonexistent/ca.pem".to_owned(), ..TlsSettings::default() };
        assert_eq!(named(&settings.trust(Transport::Tls, Profile::Dev).expect_err("refused")), "tls.authorities");
    }
}
