//! `tessera serve`: opens the data folder, builds the platform, listens, and stops when asked.

use std::net::TcpListener;

use actix_web::web;
use tessera_common::clock::Clock;
use tessera_common::config::Config;
use tessera_common::random::Random;
use tessera_common::server::{Endpoints, Listener, Stop};
use tessera_process::health::Readiness;
use tessera_process::program::Program;
use tessera_process::sockets::bind;
use tessera_storage::Cache;

use crate::compose::Platform;
use crate::data_dir::DataDir;
use crate::infrastructure::Infrastructure;
use crate::settings::{Settings, rings};

/// The services' own ports, which answer too where they are free.
const SERVICE_PORTS: [u16; 4] = [8080, 8081, 8082, 3000];

/// Serves until SIGTERM (requests under way finish) or SIGINT, with settings that production has nothing against.
///
/// # Errors
/// When something that is needed cannot be had; the message names the setting.
pub async fn serve(config: &Config, settings: &Settings) -> anyhow::Result<()> {
    let process = &settings.process;
    let origin = process.origin(process.port)?;
    let tls = process.tls.identity()?;
    let public = sockets(settings)?;
    let internal = bind(process.bind, process.internal_port, "internal_port")?;
    let (clock, random) = (Clock::machine(), Random::system());
    let data = DataDir::open(&settings.own.data_dir)?;
    let databases = data.databases(process.migrate_on_start).await?;
    for db in databases.all() {
        tessera_storage::clock::start(db, &clock).await?;
    }
    let rings = rings(config, process, &data, &random)?;
    let senders =
        tessera_verify::program::senders(config, &settings.verify, &databases.verify, &clock, process.is_dev())?;
    let readiness = Readiness::of(databases.schemas());
    let infrastructure = Infrastructure {
        databases,
        rings,
        cache: Cache::Memory,
        clock: clock.clone(),
        random: random.clone(),
        senders,
    };
    let platform = Platform::build(infrastructure, settings, &origin).await?;

    let program = Program {
        edge: process.edge(origin),
        clock,
        random,
        readiness,
        public: Listener { sockets: public, endpoints: platform.public(), workers: process.cores(), tls: tls.clone() },
        internal: Listener { sockets: internal, endpoints: Endpoints::default(), workers: 1, tls },
        drain: process.drain(),
    };
    let (state, internal_state) = (platform.clone(), platform.clone());
    let configure = move |config: &mut web::ServiceConfig| state.configure(config);
    let configure_internal = move |config: &mut web::ServiceConfig| internal_state.configure_internal(config);
    let stop = Stop::new();
    let workers = platform.workers(&stop.signal());
    program.run(configure, configure_internal, stop, workers, || announce(&platform, settings)).await
}

/// Says where everything is. What is said to a person here is no secret.
fn announce(platform: &Platform, settings: &Settings) {
    let (origin, process) = (platform.origin(), &settings.process);
    let scheme = if process.tls.certificate.is_empty() { "http" } else { "https" };
    let internal = format!("{scheme}://localhost:{}", process.internal_port);
    tracing::info!("Tessera {} is ready at {origin}/", env!("CARGO_PKG_VERSION"));
    tracing::info!("health on {internal}/health/ready, descriptions on {internal}/docs/");
    if process.is_dev() {
        tracing::info!("mailbox {origin}/dev/mailbox, explorer {origin}/docs/");
        let publishable_key = platform.publishable_key();
        tracing::info!("OAuth client tessera-dev / tessera-dev-secret, publishable key {publishable_key}");
    }
}

/// The public port must be free; the services' own ports are taken where they are.
fn sockets(settings: &Settings) -> anyhow::Result<Vec<TcpListener>> {
    let process = &settings.process;
    let mut sockets = bind(process.bind, process.port, "port")?;
    for port in SERVICE_PORTS.into_iter().filter(|_| settings.own.service_ports) {
        match bind(process.bind, port, "service_ports") {
            Ok(more) => sockets.extend(more),
            Err(_) => tracing::warn!("port {port} is taken: this service's own port is not served"),
        }
    }
    Ok(sockets)
}
