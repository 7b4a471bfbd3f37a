//! The one place where everything is wired: infrastructure, then the contexts in the order of who calls whom.

use std::sync::Arc;

use actix_web::web;
use tessera_auth::Auth;
use tessera_common::endpoints;
use tessera_common::profile::Profile;
use tessera_common::server::{Endpoints, Origin, StopSignal};
use tessera_messaging::Bus;
use tessera_oauth::OAuth;
use tessera_sessions::Sessions;
use tessera_tokens::access_token::AccessTokens;
use tessera_tokens::client_cookie::ClientCookies;
use tessera_verify::{Mailbox, Sender, Verify};
use tokio::task::JoinHandle;

use crate::home::Home;
use crate::infrastructure::{Databases, Infrastructure};
use crate::settings::Settings;
use crate::{describe, health, home};

/// All contexts, connected.
#[derive(Clone, Debug)]
pub struct Platform {
    verify: Verify,
    sessions: Sessions,
    oauth: OAuth,
    auth: Auth,
    databases: Databases,
    home: Home,
}

impl Platform {
    /// Builds the contexts: oauth's keys; verify, which calls nobody; sessions; oauth, which asks sessions; auth, which asks all.
    ///
    /// # Errors
    /// When one of them cannot be built.
    pub async fn build(infrastructure: Infrastructure, settings: &Settings, origin: &Origin) -> anyhow::Result<Self> {
        let Infrastructure { databases, rings, clock, random } = infrastructure;
        let all_databases = databases.clone();
        let bus = Bus::in_process();
        let dev = settings.profile == Profile::Dev;
        let cookies = ClientCookies::of(origin, dev);
        let home = Home {
            origin: origin.to_string(),
            publishable_key: cookies.publishable_key().to_owned(),
            dev,
            version: env!("CARGO_PKG_VERSION"),
        };
        let address_factor = settings.address_factor();
        let oauth_keys = tessera_oauth::open_keys(&databases.oauth, &rings.oauth, &clock, &random).await?;
        let tenants = AccessTokens::new(
            Arc::new(oauth_keys.clone()),
            tessera_oauth::issuer(origin),
            format!("{origin}/methods"),
            clock.clone(),
        );
        let verify = Verify::build(tessera_verify::Parts {
            sender: Sender::Mailbox(Mailbox::new(databases.verify.clone(), clock.clone())),
            db: databases.verify,
            ring: rings.verify,
            clock: clock.clone(),
            random: random.clone(),
            tenants,
            address_factor,
            settings: settings.verify.own.clone(),
        })?;
        let sessions = Sessions::build(tessera_sessions::Parts {
            db: databases.sessions,
            ring: rings.sessions,
            clock: clock.clone(),
            random: random.clone(),
            bus: bus.clone(),
            origin: origin.clone(),
            cookies: cookies.clone(),
        })
        .await?;
        let oauth = OAuth::build(tessera_oauth::Parts {
            db: databases.oauth,
            keys: oauth_keys,
            clock: clock.clone(),
            random: random.clone(),
            origin: origin.clone(),
            sessions: Arc::new(sessions.clone()),
            address_factor,
            settings: settings.oauth.own.clone(),
        })?;
        if dev {
            oauth.bootstrap_dev().await?;
        }
        let auth = Auth::build(tessera_auth::Parts {
            db: databases.auth,
            clock,
            random,
            bus,
            origin: origin.clone(),
            cookies,
            ring: rings.auth,
            hashing_cores: settings.cores(),
            address_factor,
            verify: Arc::new(verify.clone()),
            sessions: Arc::new(sessions.clone()),
            oauth: Arc::new(oauth.clone()),
            settings: settings.auth.own.clone(),
        })?;
        Ok(Self { verify, sessions, oauth, auth, databases: all_databases, home })
    }

    /// verify, as its siblings call it.
    #[must_use]
    pub const fn verify(&self) -> &Verify {
        &self.verify
    }

    /// sessions, as its siblings call it.
    #[must_use]
    pub const fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// oauth, as its siblings call it.
    #[must_use]
    pub const fn oauth(&self) -> &OAuth {
        &self.oauth
    }

    /// What the platform tells of itself.
    #[must_use]
    pub const fn home(&self) -> &Home {
        &self.home
    }

    /// Every operation of the public listener.
    #[must_use]
    pub fn public(&self) -> Endpoints {
        let all = tessera_verify::endpoints()
            .and(tessera_sessions::endpoints())
            .and(tessera_oauth::endpoints())
            .and(tessera_auth::endpoints())
            .and(endpoints![home::get]);
        if self.home.dev { all.and(tessera_verify::dev_endpoints()) } else { all }
    }

    /// Every operation of the internal listener.
    #[must_use]
    pub fn internal() -> Endpoints {
        endpoints![health::live, health::ready]
    }

    /// Gives the handlers their contexts, and the public listener of the dev profile its explorer.
    pub fn configure(&self, config: &mut web::ServiceConfig) {
        config.app_data(web::Data::new(self.verify.clone()));
        config.app_data(web::Data::new(self.sessions.clone()));
        config.app_data(web::Data::new(self.oauth.clone()));
        config.app_data(web::Data::new(self.auth.clone()));
        config.app_data(web::Data::new(self.home.clone()));
        if self.home.dev {
            config.service(describe::explorer());
        }
    }

    /// Gives the internal listener what it needs.
    pub fn configure_internal(&self, config: &mut web::ServiceConfig) {
        config.app_data(web::Data::new(self.databases.clone()));
        config.service(describe::explorer());
    }

    /// Starts the loops of all contexts.
    #[must_use]
    pub fn workers(&self, stop: &StopSignal) -> Vec<JoinHandle<()>> {
        let of_each =
            [self.verify.workers(stop), self.sessions.workers(stop), self.oauth.workers(stop), self.auth.workers(stop)];
        of_each.into_iter().flatten().collect()
    }
}
