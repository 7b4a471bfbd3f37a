//! Certificates of one test.

use secrecy::ExposeSecret as _;
use tessera_common::clock::Clock;
use tessera_common::tls::DevCertificates;

/// What one end of a connection shows, and whom the other is to trust, as PEM.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// Its certificate.
    pub certificate: String,
    /// Its private key.
    pub key: String,
    /// The authorities that its peers trust.
    pub authority: String,
}

impl TlsFiles {
    /// A certificate for this machine, of an authority of its own.
    ///
    /// # Panics
    /// When the machine has no randomness.
    #[must_use]
    pub fn make() -> Self {
        let DevCertificates { authority, certificate, key, .. } =
            DevCertificates::make(&[], &Clock::machine()).expect("certificates");
        Self { certificate, key: key.expose_secret().to_owned(), authority }
    }
}
