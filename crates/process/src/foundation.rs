//! Opening what a context stands on.

use anyhow::{Context as _, bail};
use secrecy::ExposeSecret as _;
use tessera_common::clock::Clock;
use tessera_common::config::Config;
use tessera_common::random::Random;
use tessera_contracts::subscriptions;
use tessera_messaging::{Bus, RabbitMq, RabbitMqParts, RabbitMqSettings};
use tessera_storage::Db;
use tessera_tokens::client_cookie::ClientCookies;

use crate::cache::open_cache;
use crate::peers::Peers;
use crate::service::{Foundation, Service};
use crate::service_settings::ServiceSettings;
use crate::settings::{ProcessSettings, needed_ring};

/// The port of the one origin where nothing else is said.
const ORIGIN_PORT: u16 = 8000;

impl Foundation {
    /// Opens what `S` stands on, over its migrated database. Only the database is waited for.
    ///
    /// # Errors
    /// When something is not set, or cannot be used as it is.
    pub async fn open<S: Service>(config: &Config, db: Db, clock: Clock, random: Random) -> anyhow::Result<Self> {
        let settings: ProcessSettings = config.read()?;
        tessera_storage::clock::start(&db, &clock).await?;
        let origin = settings.origin(ORIGIN_PORT)?;
        Ok(Self {
            ring: needed_ring(config, S::NAME)?,
            cache: open_cache(config, &settings, &random)?,
            bus: open_bus(config, &settings, &db, &clock, &random)?,
            peers: Peers::open::<S>(config, &settings, &clock, &random)?,
            cookies: ClientCookies::of(&origin, settings.is_dev()),
            dev: settings.is_dev(),
            address_factor: settings.address_factor(),
            cores: settings.cores(),
            origin,
            clock,
            random,
            db,
        })
    }
}

/// Opens the database that the settings name.
///
/// # Errors
/// When none is named, or it cannot be reached.
pub async fn open_database(config: &Config) -> anyhow::Result<Db> {
    let (process, settings): (ProcessSettings, ServiceSettings) = (config.read()?, config.read()?);
    let Some(url) = config.secret("database.url")? else {
        bail!("setting `database.url`: name the database, as postgres://user:password@host/database");
    };
    let opened = Db::postgres(url.expose_secret(), settings.database.connections, &process.trust()?).await;
    opened.context("the database cannot be used (setting `database.url`)")
}

/// This service's end of the bus. That the broker does not answer is no error.
fn open_bus(
    config: &Config,
    settings: &ProcessSettings,
    db: &Db,
    clock: &Clock,
    random: &Random,
) -> anyhow::Result<Bus> {
    let Some(url) = config.secret("amqp.url")? else {
        bail!("setting `amqp.url`: name the broker, as amqps://user:password@host:5671/vhost");
    };
    let ServiceSettings { namespace, .. } = config.read()?;
    let authorities = settings.trust()?.pem().map(<[u8]>::to_vec);
    let bus = RabbitMq::new(RabbitMqParts {
        settings: &RabbitMqSettings { url, namespace, authorities },
        subscriptions: subscriptions::ALL,
        db: db.clone(),
        clock: clock.clone(),
        random: random.clone(),
    });
    Ok(Bus::RabbitMq(bus.context("setting `amqp.url`")?))
}
