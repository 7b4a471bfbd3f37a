//! An authority made for one machine or one test, and a certificate of it.

use chrono::{Datelike as _, TimeDelta};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::ServerName;
use secrecy::SecretString;

use crate::clock::{Clock, Timestamp};

/// How long they are valid, in days. Some clients accept no certificate for longer than 397.
const VALID_FOR: i64 = 365;

/// An authority and a server's certificate, all in PEM form.
#[derive(Clone, Debug)]
pub struct DevCertificates {
    /// The authority's certificate: what clients are to trust.
    pub authority: String,
    /// The authority's key. Whoever has it can be anybody to those who trust the authority.
    pub authority_key: SecretString,
    /// The server's certificate.
    pub certificate: String,
    /// Its key.
    pub key: SecretString,
}

/// Why there are no certificates.
#[derive(Debug, thiserror::Error)]
pub enum DevCertificatesError {
    /// It can be no server's name.
    #[error("`{0}` is neither a host name nor an address")]
    NotAName(String),
    /// They could not be made.
    #[error("the certificates could not be made: {0}")]
    Failed(#[from] rcgen::Error),
}

impl DevCertificates {
    /// Makes an authority and a certificate for `localhost`, the loopback addresses and `names` (hosts or addresses).
    ///
    /// # Errors
    /// When one of the names can be no host's.
    pub fn make(names: &[String], clock: &Clock) -> Result<Self, DevCertificatesError> {
        if let Some(name) = names.iter().find(|name| ServerName::try_from(name.as_str()).is_err()) {
            return Err(DevCertificatesError::NotAName(name.clone()));
        }
        let now = clock.now();
        let key = KeyPair::generate()?;
        let authority = CertifiedIssuer::self_signed(authority_params(&key, now), key)?;
        let key = KeyPair::generate()?;
        let certificate = server_params(names, now)?.signed_by(&key, &authority)?;
        Ok(Self {
            authority: authority.pem(),
            authority_key: authority.key().serialize_pem().into(),
            certificate: certificate.pem(),
            key: key.serialize_pem().into(),
        })
    }
}

/// Its name tells it from others of its kind: clients find an authority by its name.
fn authority_params(key: &KeyPair, now: Timestamp) -> CertificateParams {
    let tail: String = key.public_key_raw().iter().rev().take(4).map(|byte| format!("{byte:02x}")).collect();
    let mut params = params(&format!("Tessera development authority {tail}"), now);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn server_params(names: &[String], now: Timestamp) -> Result<CertificateParams, rcgen::Error> {
    let here = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut all: Vec<String> = here.to_vec();
    all.extend(names.iter().filter(|name| !here.contains(name)).cloned());
    let mut params = params("Tessera development server", now);
    params.subject_alt_names = CertificateParams::new(all)?.subject_alt_names;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    Ok(params)
}

fn params(name: &str, now: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    let day = |at: Timestamp| {
        let small = |part: u32| u8::try_from(part).unwrap_or(1);
        date_time_ymd(at.year(), small(at.month()), small(at.day()))
    };
    // From the day before: clocks differ.
    params.not_before = day(now - TimeDelta::days(1));
    params.not_after = day(now + TimeDelta::days(VALID_FOR));
    params
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_no_name_is_refused_by_name() {
        for name in ["", "a b", "https://id.example", "id.example:8000", "-x."] {
            let error = DevCertificates::make(&[name.to_owned()], &Clock::machine()).unwrap_err().to_string();
            assert!(error.contains(&format!("`{name}`")), "{error}");
        }
    }
}
