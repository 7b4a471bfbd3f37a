//! This context as a program of its own.

use tessera_common::config::Config;
use tessera_common::server::{Endpoints, StopSignal};
use tessera_process::explorer::{CALLS_BETWEEN_SERVICES, Described};
use tessera_process::{Foundation, Service};
use tessera_storage::Migrations;
use tokio::task::JoinHandle;

use crate::{MIGRATIONS, OAuth, Parts, endpoints, internal_endpoints, key_endpoints, open_keys};

/// The commented defaults, compiled in.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// The description of the public operations.
#[must_use]
pub fn described() -> Described {
    let api = endpoints().describe("Tessera oauth", "Clients, access tokens, and the keys to check them.");
    Described { name: "oauth", path: "/docs/oauth.json", api }
}

/// The description of what siblings call.
#[must_use]
pub fn internal_described() -> Described {
    let api = internal_endpoints().describe("Tessera oauth, for its siblings", CALLS_BETWEEN_SERVICES);
    Described { name: "internal-oauth", path: "/docs/internal-oauth.json", api }
}

impl Service for OAuth {
    const NAME: &'static str = "oauth";
    const PROGRAM: &'static str = "tessera-oauth";
    const DEFAULTS: &'static str = DEFAULTS;
    const CALLS_OTHERS: bool = true;

    fn migrations() -> &'static Migrations {
        &MIGRATIONS
    }

    fn public(_: bool) -> Endpoints {
        endpoints()
    }

    fn internal() -> Endpoints {
        internal_endpoints().and(key_endpoints())
    }

    fn described() -> Vec<Described> {
        vec![described(), internal_described()]
    }

    async fn build(foundation: Foundation, config: &Config) -> anyhow::Result<Self> {
        let Foundation { db, ring, clock, random, origin, dev, address_factor, peers, .. } = foundation;
        let keys = open_keys(&db, &ring, &clock, &random).await?;
        let sessions = peers.sessions()?;
        let settings = config.read_section("oauth")?;
        let oauth = Self::build(Parts { db, keys, clock, random, origin, sessions, address_factor, settings })?;
        if !dev {
            oauth.refuse_dev_clients().await?;
        }
        Ok(oauth)
    }

    fn workers(&self, stop: &StopSignal) -> Vec<JoinHandle<()>> {
        self.workers(stop)
    }

    async fn bootstrap_dev(&self) -> anyhow::Result<()> {
        Ok(self.bootstrap_dev().await?)
    }
}
