//! One context as a program of its own.

use std::future::Future;

use anyhow::{Context as _, bail};
use serde::Deserialize;
use tessera_common::clock::Clock;
use tessera_common::config::Config;
use tessera_common::random::Random;
use tessera_common::server::{Endpoints, Listener, Origin, StopSignal};
use tessera_messaging::Bus;
use tessera_storage::{Cache, Db, Migrations};
use tessera_tokens::client_cookie::ClientCookies;
use tessera_tokens::key_ring::KeyRing;
use tokio::task::JoinHandle;

use crate::cache::{SharedSettings, open_cache};
use crate::explorer::{Described, explorer};
use crate::health::{Readiness, Schema};
use crate::peers::Peers;
use crate::program::Program;
use crate::settings::{ProcessSettings, needed_ring};
use crate::sockets::bind;

/// A context that can be a program of its own. Its handlers get it as `web::Data`.
pub trait Service: Clone + Send + Sync + Sized + 'static {
    /// Its name: of its table in the settings, its key ring, its schema, and what others call it.
    const NAME: &'static str;
    /// The name of its program.
    const PROGRAM: &'static str;
    /// Its commented defaults: its ports, and its table.
    const DEFAULTS: &'static str;

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

/// The settings of a service that is a program of its own.
#[derive(Clone, Debug, Deserialize)]
pub struct ServiceSettings {
    /// Begins every name on the broker and in Redis.
    pub namespace: String,
    /// The database.
    pub database: DatabaseSettings,
    /// What replicas share.
    pub redis: SharedSettings,
}

/// How the database is used. Where it is, is a secret.
#[derive(Clone, Debug, Deserialize)]
pub struct DatabaseSettings {
    /// Connections at most.
    pub connections: u32,
}

/// The commented defaults of a service that is a program of its own, compiled in.
pub const DEFAULTS: &str = include_str!("../service.default.toml");

/// Serves until asked to stop.
///
/// # Errors
/// When something that is needed cannot be had; the message names the setting.
pub async fn serve<S: Service>(config: &Config) -> anyhow::Result<()> {
    let settings: ProcessSettings = config.read()?;
    let tls = settings.tls.identity()?;
    let public = bind(settings.bind, settings.port, "port")?;
    let internal = bind(settings.bind, settings.internal_port, "internal_port")?;
    let (clock, random) = (Clock::machine(), Random::system());
    let db = open_database(config).await?;
    let fit =
        if settings.migrate_on_start { S::migrations().apply(&db).await } else { S::migrations().check(&db).await };
    fit.context("the database is not fit to serve from")?;
    let cache = open_cache(config, settings.is_dev(), &random)?;
    let context = build::<S>(config, &settings, db.clone(), cache.clone(), clock.clone(), random.clone()).await?;

    let readiness = Readiness::of(vec![Schema { name: S::NAME, db, migrations: S::migrations() }]);
    let dev = settings.is_dev();
    let state = actix_web::web::Data::new(context.clone());
    let internal_state = state.clone();
    let program = Program {
        edge: settings.edge(settings.origin(8000)?),
        clock,
        random,
        readiness,
        public: Listener { sockets: public, endpoints: S::public(dev), workers: settings.cores(), tls: tls.clone() },
        internal: Listener { sockets: internal, endpoints: S::internal(), workers: settings.cores(), tls },
        drain: settings.drain(),
    };
    let configure = move |config: &mut actix_web::web::ServiceConfig| {
        config.app_data(state.clone());
    };
    let configure_internal = move |config: &mut actix_web::web::ServiceConfig| {
        config.app_data(internal_state.clone());
        config.service(explorer(S::described()));
    };
    let announce =
        || tracing::info!("{} is ready on port {}, internally on {}", S::NAME, settings.port, settings.internal_port);
    let workers = |stop: &StopSignal| {
        let stop_listening = stop.clone();
        let listener = tokio::spawn(async move { cache.run(stop_listening).await });
        context.workers(stop).into_iter().chain([listener]).collect()
    };
    program.run(configure, configure_internal, workers, announce).await
}

/// Builds a context on its database.
///
/// # Errors
/// When something that it needs is not set.
pub async fn build<S: Service>(
    config: &Config,
    settings: &ProcessSettings,
    db: Db,
    cache: Cache,
    clock: Clock,
    random: Random,
) -> anyhow::Result<S> {
    tessera_storage::clock::start(&db, &clock).await?;
    let origin = settings.origin(8000)?;
    let foundation = Foundation {
        db,
        ring: needed_ring(config, S::NAME)?,
        clock,
        random,
        cache,
        bus: Bus::in_process(),
        cookies: ClientCookies::of(&origin, settings.is_dev()),
        origin,
        dev: settings.is_dev(),
        address_factor: settings.address_factor(),
        cores: settings.cores(),
        peers: Peers {},
    };
    S::build(foundation, config).await
}

/// Opens the database that the settings name.
///
/// # Errors
/// When none is named, or it cannot be reached.
pub async fn open_database(config: &Config) -> anyhow::Result<Db> {
    use secrecy::ExposeSecret as _;
    let (process, settings): (ProcessSettings, ServiceSettings) = (config.read()?, config.read()?);
    let Some(url) = config.secret("database.url")? else {
        bail!("setting `database.url`: name the database, as postgres://user:password@host/database");
    };
    let opened = Db::postgres(url.expose_secret(), settings.database.connections, &process.trust()?).await;
    opened.context("the database cannot be reached (setting `database.url`)")
}
