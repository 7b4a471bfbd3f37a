//! This context as a program of its own.

use anyhow::bail;
use tessera_common::clock::Clock;
use tessera_common::config::{Config, ConfigError};
use tessera_common::server::{Endpoints, StopSignal};
use tessera_common::tls::Trust;
use tessera_process::explorer::{CALLS_BETWEEN_SERVICES, Described};
use tessera_process::settings::ProcessSettings;
use tessera_process::{Foundation, Service};
use tessera_storage::{Db, Migrations};
use tessera_tokens::access_token::AccessTokens;
use tokio::task::JoinHandle;

use crate::{
    MIGRATIONS, Mailbox, Parts, Sender, Senders, Settings, SmsProvider, Smtp, Verify, dev_endpoints, endpoints,
    internal_endpoints,
};

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

/// How messages leave: by the providers that are set, and in the dev profile, where none is, into the mailbox.
///
/// # Errors
/// In production without a mail server: nobody could verify an address or reset a password.
pub fn senders(config: &Config, settings: &Settings, db: &Db, clock: &Clock, dev: bool) -> anyhow::Result<Senders> {
    let mailbox = Sender::Mailbox(Mailbox::new(db.clone(), clock.clone()));
    let patience = settings.provider_timeout_ms;
    let email = match config.secret("verify.smtp_url")? {
        Some(url) => Sender::Smtp(Smtp::new(&url, &settings.mail_from, &trust(config)?, patience)?),
        None if dev => mailbox.clone(),
        None => bail!("setting `verify.smtp_url`: production needs a mail server, as smtps://user:password@host"),
    };
    let sms = match config.secret("verify.sms.token")? {
        token if !settings.sms.base_url.is_empty() => {
            Sender::SmsProvider(SmsProvider::new(&settings.sms, token, &trust(config)?, patience)?)
        }
        _ if dev => mailbox,
        _ => Sender::Nobody,
    };
    Ok(Senders { email, sms })
}

fn trust(config: &Config) -> Result<Trust, ConfigError> {
    config.read::<ProcessSettings>()?.trust()
}

/// The description of what siblings call.
#[must_use]
pub fn internal_described() -> Described {
    let api = internal_endpoints().describe("Tessera verify, for its siblings", CALLS_BETWEEN_SERVICES);
    Described { name: "internal-verify", path: "/docs/internal-verify.json", api }
}

impl Service for Verify {
    const NAME: &'static str = "verify";
    const PROGRAM: &'static str = "tessera-verify";
    const DEFAULTS: &'static str = DEFAULTS;
    const CALLS_OTHERS: bool = false;

    fn migrations() -> &'static Migrations {
        &MIGRATIONS
    }

    fn public(dev: bool) -> Endpoints {
        if dev { endpoints().and(dev_endpoints()) } else { endpoints() }
    }

    fn internal() -> Endpoints {
        internal_endpoints()
    }

    fn described() -> Vec<Described> {
        vec![described(), internal_described()]
    }

    async fn build(foundation: Foundation, config: &Config) -> anyhow::Result<Self> {
        let Foundation { db, ring, clock, random, cache, bus, origin, dev, address_factor, peers, .. } = foundation;
        let settings: Settings = config.read_section("verify")?;
        Ok(Self::build(Parts {
            tenants: AccessTokens::new(
                peers.oauth_keys(),
                format!("{origin}/oauth2"),
                format!("{origin}/methods"),
                clock.clone(),
            ),
            senders: senders(config, &settings, &db, &clock, dev)?,
            db,
            ring,
            clock,
            random,
            cache,
            bus,
            address_factor,
            settings,
        })?)
    }

    fn workers(&self, stop: &StopSignal) -> Vec<JoinHandle<()>> {
        self.workers(stop)
    }
}
