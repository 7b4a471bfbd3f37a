//! Transport security: what a listener proves its name with, whom connections to other processes trust, and which may be plain.
//!
//! All of it is rustls (TLS 1.2 and 1.3) over aws-lc-rs, named here and not left to what is installed in the process.

mod dev_certificates;
mod identity;
mod link;
mod settings;
mod trust;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};

pub use dev_certificates::{DevCertificates, DevCertificatesError};
pub use identity::{IdentityError, ServerIdentity};
pub use link::Link;
pub use settings::{TlsSettings, Transport};
pub use trust::Trust;

/// The cryptography of every TLS connection.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
