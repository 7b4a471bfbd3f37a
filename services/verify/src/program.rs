//! This context as a program of its own.

use tessera_common::server::{Endpoints, StopSignal};
use tessera_process::explorer::Described;
use tessera_process::{Foundation, Service};
use tessera_storage::Migrations;
use tokio::task::JoinHandle;

use crate::{MIGRATIONS, Mailbox, Parts, Sender, Settings, Verify, dev_endpoints, endpoints};

/// The commented defaults, compiled in.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// The description of the public operations.
#[must_use]
pub fn described() -> Described {
    let api = endpoints()
        .and(dev_endpoints())
        .describe("Tessera verify", "One-time codes, and the messages that carry them.");
    Described { name: "verify", path: "/docs/verify.json", api }
}

impl Service for Verify {
    const NAME: &'static str = "verify";
    const PROGRAM: &'static str = "tessera-verify";
    const DEFAULTS: &'static str = DEFAULTS;
    type Settings = Settings;

    fn migrations() -> &'static Migrations {
        &MIGRATIONS
    }

    fn public(dev: bool) -> Endpoints {
        if dev { endpoints().and(dev_endpoints()) } else { endpoints() }
    }

    fn internal() -> Endpoints {
        Endpoints::default()
    }

    fn described() -> Vec<Described> {
        vec![described()]
    }

    async fn build(foundation: Foundation, settings: Settings) -> anyhow::Result<Self> {
        let Foundation { db, ring, clock, random, origin, address_factor, peers, .. } = foundation;
        Ok(Self::build(Parts {
            tenants: peers.tenants(&origin, "methods", &clock)?,
            sender: Sender::Mailbox(Mailbox::new(db.clone(), clock.clone())),
            db,
            ring,
            clock,
            random,
            address_factor,
            settings,
        })?)
    }

    fn workers(&self, stop: &StopSignal) -> Vec<JoinHandle<()>> {
        self.workers(stop)
    }
}
