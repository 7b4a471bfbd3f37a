//! The other services, as this one calls them.

use std::sync::Arc;

use anyhow::bail;
use tessera_common::clock::Clock;
use tessera_common::server::Origin;
use tessera_contracts::oauth::OAuthApi;
use tessera_contracts::sessions::SessionsApi;
use tessera_contracts::verify::VerifyApi;
use tessera_tokens::access_token::AccessTokens;

/// The other services.
#[derive(Clone, Debug)]
pub struct Peers {}

impl Peers {
    pub fn verify(&self) -> anyhow::Result<Arc<dyn VerifyApi>> {
        bail!("x")
    }
    pub fn sessions(&self) -> anyhow::Result<Arc<dyn SessionsApi>> {
        bail!("x")
    }
    pub fn oauth(&self) -> anyhow::Result<Arc<dyn OAuthApi>> {
        bail!("x")
    }
    pub fn tenants(&self, origin: &Origin, resource: &str, clock: &Clock) -> anyhow::Result<AccessTokens> {
        bail!("x")
    }
}
