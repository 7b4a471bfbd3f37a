//! This context as a program of its own.

use tessera_common::config::Config;
use tessera_common::server::{Endpoints, StopSignal};
use tessera_process::explorer::Described;
use tessera_process::{Foundation, Service};
use tessera_storage::Migrations;
use tokio::task::JoinHandle;

use crate::{Auth, MIGRATIONS, Parts, endpoints};

/// The commented defaults, compiled in.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// The description of the public operations.
#[must_use]
pub fn described() -> Described {
    let api = endpoints().describe("Tessera auth", "Accounts, passwords, and the flows that sign people in.");
    Described { name: "auth", path: "/docs/auth.json", api }
}

impl Service for Auth {
    const NAME: &'static str = "auth";
    const PROGRAM: &'static str = "tessera-auth";
    const DEFAULTS: &'static str = DEFAULTS;
    const CALLS_OTHERS: bool = true;

    fn migrations() -> &'static Migrations {
        &MIGRATIONS
    }

    fn public(_: bool) -> Endpoints {
        endpoints()
    }

    fn internal() -> Endpoints {
        Endpoints::default()
    }

    fn described() -> Vec<Described> {
        vec![described()]
    }

    async fn build(foundation: Foundation, config: &Config) -> anyhow::Result<Self> {
        let Foundation { db, ring, clock, random, cache, bus, origin, cookies, dev, address_factor, cores, peers } =
            foundation;
        Ok(Self::build(Parts {
            verify: peers.verify()?,
            sessions: peers.sessions()?,
            oauth: peers.oauth()?,
            db,
            clock,
            random,
            cache,
            bus,
            origin,
            cookies,
            dev,
            ring,
            hashing_cores: cores,
            address_factor,
            settings: config.read_section("auth")?,
        })?)
    }

    fn workers(&self, stop: &StopSignal) -> Vec<JoinHandle<()>> {
        self.workers(stop)
    }
}
