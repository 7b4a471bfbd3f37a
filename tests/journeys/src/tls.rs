//! Both ends of the gateway over TLS.

use std::sync::Arc;

use tessera_testkit::TlsFiles;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::rustls::crypto::aws_lc_rs::default_provider;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A connection, encrypted or not.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// What a gateway shows to its clients, and whom it trusts behind it; nothing, where both ends are plain.
#[derive(Clone)]
pub struct Tls(Option<(TlsAcceptor, TlsConnector)>);

impl Tls {
    pub fn of(files: Option<&TlsFiles>) -> Self {
        let Some(files) = files else { return Self(None) };
        let certificates = |pem: &str| -> Vec<CertificateDer<'static>> {
            CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<_, _>>().expect("certificates")
        };
        let key = PrivateKeyDer::from_pem_slice(files.key.as_bytes()).expect("a key");
        let mut authorities = RootCertStore::empty();
        for authority in certificates(&files.authority) {
            authorities.add(authority).expect("an authority");
        }
        let server = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("protocols")
            .with_no_client_auth()
            .with_single_cert(certificates(&files.certificate), key)
            .expect("a certificate with its key");
        let client = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .expect("protocols")
            .with_root_certificates(authorities)
            .with_no_client_auth();
        Self(Some((Arc::new(server).into(), Arc::new(client).into())))
    }

    /// A client's connection.
    pub async fn accept(&self, stream: TcpStream) -> std::io::Result<Box<dyn Stream>> {
        match &self.0 {
            Some((acceptor, _)) => Ok(Box::new(acceptor.accept(stream).await?)),
            None => Ok(Box::new(stream)),
        }
    }

    /// The connection to a program of this machine.
    pub async fn connect(&self, stream: TcpStream) -> std::io::Result<Box<dyn Stream>> {
        let Some((_, connector)) = &self.0 else { return Ok(Box::new(stream)) };
        let name = ServerName::try_from("localhost").map_err(std::io::Error::other)?;
        Ok(Box::new(connector.connect(name, stream).await?))
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if self.0.is_some() { "Tls" } else { "no Tls" })
    }
}
