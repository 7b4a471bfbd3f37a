//! `tessera serve`: opens the data folder, builds the platform, listens, and stops when asked.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener};

use actix_web::web;
use anyhow::{Context as _, bail};
use tessera_common::clock::Clock;
use tessera_common::random::Random;
use tessera_common::server::{Listener, Stop, StopSignal, listen};
use tokio::signal::unix::{SignalKind, signal};

use crate::compose::Platform;
use crate::data_dir::DataDir;
use crate::home::Home;
use crate::infrastructure::{Databases, Infrastructure};
use crate::settings::Settings;

/// The services' own ports, which answer too where they are free.
const SERVICE_PORTS: [u16; 4] = [8080, 8081, 8082, 3000];

/// Serves until SIGTERM (requests under way finish) or SIGINT.
///
/// # Errors
/// When something that is needed cannot be had; the message names the setting.
pub async fn serve(settings: &Settings) -> anyhow::Result<()> {
    let origin = settings.origin()?;
    let tls = settings.tls.identity()?;
    let public = sockets(settings)?;
    let internal = bind(settings.bind, settings.internal_port, "internal_port")?;
    let (clock, random) = (Clock::machine(), Random::system());
    let data = DataDir::open(&settings.data_dir)?;
    let databases = data.databases(settings.migrate_on_start).await?;
    for db in databases.all() {
        tessera_storage::clock::start(db, &clock).await?;
    }
    let rings = settings.rings(&data, &random)?;
    settings.refuse_unsafe()?;
    let infrastructure =
        Infrastructure { databases: databases.clone(), rings, clock: clock.clone(), random: random.clone() };
    let platform = Platform::build(infrastructure, settings, &origin).await?;

    let stop = Stop::new();
    let mut workers = platform.workers(&stop.signal());
    workers.push(tokio::spawn(keep_time(databases.clone(), clock.clone(), stop.signal())));
    workers.extend(tls.clone().map(|identity| tokio::spawn(identity.follow(stop.signal()))));
    let edge = settings.edge(origin);
    let (state, internal_state) = (platform.clone(), platform.clone());
    let configure = move |config: &mut web::ServiceConfig| state.configure(config);
    let configure_internal = move |config: &mut web::ServiceConfig| internal_state.configure_internal(config);
    let public =
        Listener { sockets: public, endpoints: platform.public(), workers: settings.cores(), tls: tls.clone() };
    let internal = Listener { sockets: internal, endpoints: Platform::internal(), workers: 1, tls };
    let (server, serving) = listen(public, edge.clone(), clock.clone(), random.clone(), configure)?;
    let (internal_server, _) = listen(internal, edge, clock, random, configure_internal)?;
    announce(platform.home(), settings);

    let graceful = asked_to_stop().await?;
    tracing::info!("stopping: requests under way finish");
    server.stop(graceful).await;
    internal_server.stop(graceful).await;
    stop.ask();
    for worker in workers {
        // A worker that panicked has said so; the others still stop in order.
        let _ = worker.await;
    }
    serving.await??;
    for db in databases.all() {
        db.close().await;
    }
    Ok(())
}

/// Waits for a signal; whether to let requests finish.
async fn asked_to_stop() -> std::io::Result<bool> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(tokio::select! {
        _ = terminate.recv() => true,
        _ = interrupt.recv() => false,
    })
}

/// Measures the databases' time, and stores the mark that no later run may be before.
async fn keep_time(databases: Databases, clock: Clock, mut stop: StopSignal) {
    loop {
        tokio::select! {
            () = stop.asked() => return,
            () = tokio::time::sleep(tessera_storage::clock::MEASURE_EVERY) => {}
        }
        for db in databases.all() {
            if let Err(error) = tessera_storage::clock::measure(db, &clock).await {
                tracing::warn!(%error, "the time could not be measured");
            }
        }
    }
}

/// Says where everything is. What is said to a person here is no secret.
fn announce(home: &Home, settings: &Settings) {
    let Home { origin, publishable_key, dev, version } = home;
    let scheme = if settings.tls.certificate.is_empty() { "http" } else { "https" };
    let internal = format!("{scheme}://localhost:{}", settings.internal_port);
    tracing::info!("Tessera {version} is ready at {origin}/");
    tracing::info!("health on {internal}/health/ready, descriptions on {internal}/docs/");
    if *dev {
        tracing::info!("mailbox {origin}/dev/mailbox, explorer {origin}/docs/");
        tracing::info!("OAuth client tessera-dev / tessera-dev-secret, publishable key {publishable_key}");
    }
}

/// The public port must be free; the services' own ports are taken where they are.
fn sockets(settings: &Settings) -> anyhow::Result<Vec<TcpListener>> {
    let mut sockets = bind(settings.bind, settings.port, "port")?;
    for port in SERVICE_PORTS.into_iter().filter(|_| settings.service_ports) {
        match bind(settings.bind, port, "service_ports") {
            Ok(more) => sockets.extend(more),
            Err(_) => tracing::warn!("port {port} is taken: this service's own port is not served"),
        }
    }
    Ok(sockets)
}

/// Binds an address; a loopback one for both IP versions, for `localhost` may mean either.
fn bind(address: IpAddr, port: u16, setting: &str) -> anyhow::Result<Vec<TcpListener>> {
    let first = match TcpListener::bind(SocketAddr::new(address, port)) {
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            bail!("port {port} is taken: stop what uses it, or set `{setting}` to another one")
        }
        bound => bound.with_context(|| format!("{address}:{port} cannot be listened on (setting `bind`)"))?,
    };
    let mut sockets = vec![first];
    if address.is_loopback() && address.is_ipv4() {
        // A machine without IPv6 is served by IPv4 alone.
        sockets.extend(TcpListener::bind(SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port)));
    }
    for socket in &sockets {
        socket.set_nonblocking(true)?;
    }
    Ok(sockets)
}
