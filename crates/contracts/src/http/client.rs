//! The HTTP clients that every call to a sibling goes through: the one place where they are built.

use std::time::Duration;

use reqwest::{Certificate, Client, ClientBuilder, redirect};

/// How long a connection may take, TLS included: short enough to try another time within a call.
const CONNECT_WITHIN: Duration = Duration::from_millis(500);
/// When an idle connection is given up: before our listeners close it (15 s), so that no call meets the close half-way.
const IDLE: Duration = Duration::from_secs(10);
/// Idle connections that are kept for each sibling.
const KEPT: usize = 64;

/// The client cannot be built.
#[derive(Debug, thiserror::Error)]
#[error("the certificates to trust cannot be read, they are one PEM file: {0}")]
pub struct ClientError(#[from] reqwest::Error);

/// The clients for calls to siblings. They follow no redirect, and go through no proxy. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clients {
    /// Keeps connections, and calls over them.
    pub(super) keeping: Client,
    /// Connects for each call: what is kept may be about to be closed, all of it.
    pub(super) fresh: Client,
}

impl Clients {
    /// `trust` is a bundle of PEM certificates: the authorities that siblings' certificates are issued by, and no others. Without one the
    /// system's are trusted; where it has none, only plain HTTP is spoken.
    ///
    /// # Errors
    /// When `trust` has no certificate that can be read.
    pub fn new(trust: Option<&[u8]>) -> Result<Self, ClientError> {
        Ok(Self { keeping: client(trust, KEPT)?, fresh: client(trust, 0)? })
    }
}

fn client(trust: Option<&[u8]>, kept: usize) -> Result<Client, ClientError> {
    let builder = || builder().pool_max_idle_per_host(kept);
    let client = match trust {
        Some(authorities) => builder().tls_certs_only(Certificate::from_pem_bundle(authorities)?).build(),
        None => builder().build().or_else(|_| builder().tls_certs_only([]).build()),
    };
    Ok(client?)
}

fn builder() -> ClientBuilder {
    Client::builder()
        .redirect(redirect::Policy::none())
        .no_proxy()
        .connect_timeout(CONNECT_WITHIN)
        .pool_idle_timeout(IDLE)
        .tcp_nodelay(true)
}
