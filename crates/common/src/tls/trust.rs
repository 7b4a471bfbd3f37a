//! Whom connections to other processes trust.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use super::Link;

/// The authorities that connections to other processes trust, and whether a connection that leaves the machine must be encrypted.
/// By default: the system's authorities, and what each URL says.
#[derive(Clone, Default)]
pub struct Trust {
    authorities: Option<Arc<[u8]>>,
    tls_demanded: bool,
}

impl Trust {
    /// The authorities in a PEM file, and no others.
    ///
    /// # Errors
    /// Says what is wrong with the file.
    pub fn of_file(file: &Path) -> Result<Self, String> {
        Self::of_pem(&std::fs::read(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?)
    }

    /// The authorities in a PEM text, and no others.
    ///
    /// # Errors
    /// When there is none, or one cannot be trusted by anybody.
    pub fn of_pem(pem: &[u8]) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate = certificate.map_err(|error| format!("the authorities are not PEM: {error}"))?;
            roots.add(certificate).map_err(|error| format!("an authority cannot be used: {error}"))?;
        }
        if roots.is_empty() {
            return Err("there is no certificate in PEM form among the authorities".to_owned());
        }
        Ok(Self { authorities: Some(pem.into()), tls_demanded: false })
    }

    /// The same authorities; what leaves the machine must be encrypted and verified.
    #[must_use]
    pub fn demanding_tls(self) -> Self {
        Self { tls_demanded: true, ..self }
    }

    /// The authorities as PEM, for whatever connects; `None` for those of the system.
    #[must_use]
    pub fn pem(&self) -> Option<&[u8]> {
        self.authorities.as_deref()
    }

    /// Whether what leaves the machine must be encrypted and verified.
    #[must_use]
    pub const fn demands_tls(&self) -> bool {
        self.tls_demanded
    }

    /// Whether a connection of this kind may be made.
    #[must_use]
    pub fn admits(&self, link: Link) -> bool {
        !self.tls_demanded || link != Link::Plain
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whom = if self.authorities.is_some() { "own authorities" } else { "the system's authorities" };
        f.debug_struct("Trust").field("whom", &whom).field("tls_demanded", &self.tls_demanded).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn authorities_without_a_certificate_are_refused() {
        assert!(Trust::of_pem(b"").is_err());
        assert!(Trust::of_pem(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").is_err());
        assert!(Trust::of_file(Path::new("/nonexistent/ca.pem")).unwrap_err().contains("/nonexistent/ca.pem"));
    }

    #[test]
    fn plain_connections_are_admitted_until_tls_is_demanded() {
        assert!(Trust::default().admits(Link::Plain));
        let strict = Trust::default().demanding_tls();
        assert!(!strict.admits(Link::Plain));
        assert!(strict.admits(Link::Local) && strict.admits(Link::Encrypted));
    }
}
