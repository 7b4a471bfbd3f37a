//! This context as a program of its own.

use tessera_common::config::Config;
use tessera_common::server::{Endpoints, StopSignal};
use tessera_process::explorer::{CALLS_BETWEEN_SERVICES, Described};
use tessera_process::{Foundation, Service};
use tessera_storage::Migrations;
use tokio::task::JoinHandle;

use crate::{MIGRATIONS, Parts, Sessions, endpoints, internal_endpoints};

/// The commented defaults, compiled in.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// The description of the public operations.
#[must_use]
pub fn described() -> Described {
    let api = endpoints().describe("Tessera sessions", "Clients, sessions, and the tokens they mint.");
    Described { name: "sessions", path: "/docs/sessions.json", api }
}

/// The description of what siblings call.
#[must_use]
pub fn internal_described() -> Described {
    let api = internal_endpoints().describe("Tessera sessions, for its siblings", CALLS_BETWEEN_SERVICES);
    Described { name: "internal-sessions", path: "/docs/internal-sessions.json", api }
}

impl Service for Sessions {
    const NAME: &'static str = "sessions";
    const PROGRAM: &'static str = "tessera-sessions";
    const DEFAULTS: &'static str = DEFAULTS;
    const CALLS_OTHERS: bool = false;

    fn migrations() -> &'static Migrations {
        &MIGRATIONS
    }

    fn public(_: bool) -> Endpoints {
        endpoints()
    }

    fn internal() -> Endpoints {
        internal_endpoints()
    }

    fn described() -> Vec<Described> {
        vec![described(), internal_described()]
    }

    async fn build(foundation: Foundation, _: &Config) -> anyhow::Result<Self> {
        let Foundation { db, ring, clock, random, cache, bus, origin, cookies, .. } = foundation;
        Ok(Self::build(Parts { db, ring, clock, random, cache, bus, origin, cookies }).await?)
    }

    fn workers(&self, stop: &StopSignal) -> Vec<JoinHandle<()>> {
        self.workers(stop)
    }
}
