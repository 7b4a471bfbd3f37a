//! One context as a program of its own.

use std::future::Future;

use anyhow::bail;
use tessera_common::clock::Clock;
use tessera_common::config::Config;
use tessera_common::random::Random;
use tessera_common::server::{Endpoints, Origin, StopSignal};
use tessera_messaging::Bus;
use tessera_storage::{Cache, Db, Migrations};
use tessera_tokens::client_cookie::ClientCookies;
use tessera_tokens::key_ring::KeyRing;
use tokio::task::JoinHandle;

use crate::explorer::Described;
use crate::peers::Peers;

/// A context that can be a program of its own. Its handlers get it as `web::Data`.
pub trait Service: Clone + Send + Sync + Sized + 'static {
    /// Its name: of its table in the settings, its key ring, its schema, and what others call it.
    const NAME: &'static str;
    /// The name of its program.
    const PROGRAM: &'static str;
    /// Its commented defaults: its ports, and its table.
    const DEFAULTS: &'static str;
    /// Whether it calls other services, and so needs a key to sign its calls with.
    const CALLS_OTHERS: bool;

    /// Its schema.
    fn migrations() -> &'static Migrations;

    /// The operations of its public listener.
    fn public(dev: bool) -> Endpoints;

    /// The operations that other services call.
    fn internal() -> Endpoints;

    /// Its descriptions, for the explorer.
    fn described() -> Vec<Described>;

    /// Builds it; its own table is in `config`.
    fn build(foundation: Foundation, config: &Config) -> impl Future<Output = anyhow::Result<Self>>;

    /// Starts its loops.
    fn workers(&self, stop: &StopSignal) -> Vec<JoinHandle<()>>;

    /// Writes what the examples of the dev profile rely on.
    fn bootstrap_dev(&self) -> impl Future<Output = anyhow::Result<()>> {
        async { bail!("{} has nothing to bootstrap", Self::NAME) }
    }
}

/// What a context stands on.
#[derive(Debug)]
pub struct Foundation {
    /// Its database, migrated.
    pub db: Db,
    /// Its key ring.
    pub ring: KeyRing,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// What its replicas share and may lose.
    pub cache: Cache,
    /// Where its events go, and others' come from.
    pub bus: Bus,
    /// Where browsers reach the platform.
    pub origin: Origin,
    /// How its cookies are written.
    pub cookies: ClientCookies,
    /// Whether this is a person's own machine.
    pub dev: bool,
    /// How many times limits by address are taken.
    pub address_factor: u32,
    /// Hashes that may run at once.
    pub cores: usize,
    /// The other services.
    pub peers: Peers,
}
