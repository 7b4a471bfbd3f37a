//! What a listener proves its name with, read again when the files change.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use secrecy::{ExposeSecret as _, SecretSlice};

use super::provider;
use crate::server::StopSignal;

/// How long a new certificate may lie there unnoticed.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// A certificate and its key. Clones are one: what is read again is served by all of them.
#[derive(Clone)]
pub struct ServerIdentity(Arc<Inner>);

struct Inner {
    certificate: PathBuf,
    key: PathBuf,
    state: RwLock<State>,
}

struct State {
    /// What the files held when they were last looked at, whether it could be used or not.
    seen: u64,
    serving: Arc<CertifiedKey>,
}

/// Why files cannot be served with.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// The certificate is missing, or not one.
    #[error("{} {problem}", file.display())]
    Certificate {
        /// Its file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// The key is missing, not one, or another certificate's.
    #[error("{} {problem}", file.display())]
    Key {
        /// Its file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
}

impl ServerIdentity {
    /// Reads a certificate (PEM, leaf first, then intermediates) and its private key (PEM, not encrypted).
    ///
    /// # Errors
    /// When one of them is not there or no such thing, or they do not belong together.
    pub fn open(certificate: &Path, key: &Path) -> Result<Self, IdentityError> {
        let files = Files::read(certificate, key)?;
        let state = State { seen: files.fingerprint(), serving: files.parse(certificate, key)? };
        let (certificate, key) = (certificate.to_owned(), key.to_owned());
        Ok(Self(Arc::new(Inner { certificate, key, state: RwLock::new(state) })))
    }

    /// How a listener serves with it: TLS 1.2 and 1.3, no client certificates.
    ///
    /// # Errors
    /// When the cryptography has nothing to offer for one of the two protocols.
    pub fn server_config(&self) -> Result<ServerConfig, rustls::Error> {
        let versions = [&rustls::version::TLS13, &rustls::version::TLS12];
        let config = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&versions)?;
        Ok(config.with_no_client_auth().with_cert_resolver(Arc::new(self.clone())))
    }

    /// Looks at the files. New ones are served from the next connection on (`true`); until they change nothing is done.
    ///
    /// # Errors
    /// Once for each change that cannot be served with; what was served before still is.
    pub fn renew(&self) -> Result<bool, IdentityError> {
        let Inner { certificate, key, state } = &*self.0;
        let read = Files::read(certificate, key);
        let seen = read.as_ref().map_or(0, Files::fingerprint);
        {
            let mut state = state.write().unwrap_or_else(PoisonError::into_inner);
            if std::mem::replace(&mut state.seen, seen) == seen {
                return Ok(false);
            }
        }
        let serving = read?.parse(certificate, key)?;
        state.write().unwrap_or_else(PoisonError::into_inner).serving = serving;
        Ok(true)
    }

    /// Looks at the files every few seconds until a stop is asked for.
    pub async fn follow(self, mut stop: StopSignal) {
        loop {
            tokio::select! {
                () = stop.asked() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let identity = self.clone();
            match tokio::task::spawn_blocking(move || identity.renew()).await {
                Ok(Ok(true)) => tracing::info!("a new certificate is served: {}", self.0.certificate.display()),
                Ok(Ok(false)) => {}
                Ok(Err(error)) => {
                    tracing::warn!(%error, "the changed certificate or key cannot be used: the old ones stay")
                }
                Err(error) => tracing::error!(%error, "the certificate was not looked at"),
            }
        }
    }
}

impl fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerIdentity({})", self.0.certificate.display())
    }
}

impl ResolvesServerCert for ServerIdentity {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.state.read().unwrap_or_else(PoisonError::into_inner).serving))
    }
}

/// What the two files held.
struct Files {
    certificate: Vec<u8>,
    key: SecretSlice<u8>,
}

impl Files {
    fn read(certificate: &Path, key: &Path) -> Result<Self, IdentityError> {
        let unreadable = |error: std::io::Error| format!("cannot be read: {error}");
        Ok(Self {
            certificate: std::fs::read(certificate).map_err(|error| no_certificate(certificate, unreadable(error)))?,
            key: std::fs::read(key).map_err(|error| no_key(key, unreadable(error)))?.into(),
        })
    }

    /// Tells contents apart. Times of files do not: a copy may keep them, a link may lead elsewhere.
    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.certificate.hash(&mut hasher);
        self.key.expose_secret().hash(&mut hasher);
        hasher.finish()
    }

    fn parse(&self, certificate: &Path, key: &Path) -> Result<Arc<CertifiedKey>, IdentityError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&self.certificate).collect();
        let chain = chain.map_err(|error| no_certificate(certificate, format!("is not PEM: {error}")))?;
        if chain.is_empty() {
            return Err(no_certificate(certificate, "holds no certificate in PEM form".to_owned()));
        }
        let private = PrivateKeyDer::from_pem_slice(self.key.expose_secret())
            .map_err(|_| no_key(key, "holds no private key in PEM form without a passphrase".to_owned()))?;
        match CertifiedKey::from_der(chain, private, &provider()) {
            Ok(pair) => Ok(Arc::new(pair)),
            Err(rustls::Error::InconsistentKeys(_)) => {
                Err(no_key(key, format!("is not the key of {}", certificate.display())))
            }
            Err(error @ rustls::Error::InvalidCertificate(_)) => {
                Err(no_certificate(certificate, format!("cannot be served with: {error}")))
            }
            Err(error) => Err(no_key(key, format!("cannot be served with: {error}"))),
        }
    }
}

fn no_certificate(file: &Path, problem: String) -> IdentityError {
    IdentityError::Certificate { file: file.to_owned(), problem }
}

fn no_key(file: &Path, problem: String) -> IdentityError {
    IdentityError::Key { file: file.to_owned(), problem }
}
