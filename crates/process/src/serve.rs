//! `serve` of a service that is a program of its own.

use actix_web::web;
use anyhow::Context as _;
use tessera_common::clock::Clock;
use tessera_common::config::Config;
use tessera_common::random::Random;
use tessera_common::server::{Listener, Stop};

use crate::explorer::Explorer;
use crate::foundation::open_database;
use crate::health::{Readiness, Schema};
use crate::program::Program;
use crate::service::{Foundation, Service};
use crate::settings::ProcessSettings;
use crate::sockets::bind;

/// Serves until asked to stop, with settings that production has nothing against.
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
    let migrations = S::migrations();
    let fit = if settings.migrate_on_start { migrations.apply(&db).await } else { migrations.check(&db).await };
    fit.context("the database is not fit to serve from")?;

    let foundation = Foundation::open::<S>(config, db.clone(), clock.clone(), random.clone()).await?;
    let (origin, bus, cache, peers) =
        (foundation.origin.clone(), foundation.bus.clone(), foundation.cache.clone(), foundation.peers.clone());
    let context = S::build(foundation, config).await?;

    let stop = Stop::new();
    let mut workers = context.workers(&stop.signal());
    workers.extend(bus.workers(stop.signal().receiver()));
    workers.extend(peers.workers(&stop.signal()));
    let shared = (cache, stop.signal());
    workers.push(tokio::spawn(async move { shared.0.run(shared.1).await }));

    let program = Program {
        edge: settings.edge(origin),
        clock,
        random,
        readiness: Readiness::of(vec![Schema { name: S::NAME, db, migrations }]),
        public: Listener {
            sockets: public,
            endpoints: S::public(settings.is_dev()),
            workers: settings.cores(),
            tls: tls.clone(),
        },
        internal: Listener { sockets: internal, endpoints: S::internal(), workers: settings.cores(), tls },
        drain: settings.drain(),
    };
    let state = web::Data::new(context);
    let (internal_state, callers) = (state.clone(), peers.callers().map(web::Data::from));
    let explorer = Explorer::of(S::described())?;
    let public_explorer = settings.is_dev().then(|| Explorer::of_platform(S::described())).transpose()?;
    let configure = move |config: &mut web::ServiceConfig| {
        config.app_data(state.clone());
        if let Some(explorer) = &public_explorer {
            explorer.configure(config);
        }
    };
    let configure_internal = move |config: &mut web::ServiceConfig| {
        config.app_data(internal_state.clone());
        if let Some(callers) = &callers {
            config.app_data(callers.clone());
        }
        explorer.configure(config);
    };
    let announce =
        || tracing::info!("{} is ready on port {}, internally on {}", S::NAME, settings.port, settings.internal_port);
    program.run(configure, configure_internal, stop, workers, announce).await?;
    bus.close().await;
    Ok(())
}
