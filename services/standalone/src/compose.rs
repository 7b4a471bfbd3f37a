//! The one place where everything is wired: infrastructure, then the contexts in the order of who calls whom.

use std::sync::Arc;

use actix_web::web;
use tessera_auth::Auth;
use tessera_common::server::{Endpoints, Origin, StopSignal};
use tessera_contracts::sibling::Sibling;
use tessera_contracts::verify::ServesSiblings as _;
use tessera_messaging::Bus;
use tessera_oauth::OAuth;
use tessera_process::explorer::Explorer;
use tessera_sessions::Sessions;
use tessera_storage::Cache;
use tessera_tokens::access_token::AccessTokens;
use tessera_tokens::client_cookie::ClientCookies;
use tessera_verify::Verify;
use tokio::task::JoinHandle;

use crate::describe;
use crate::infrastructure::Infrastructure;
use crate::settings::Settings;

/// All contexts, connected.
#[derive(Clone, Debug)]
pub struct Platform {
    verify: Verify,
    sessions: Sessions,
    oauth: OAuth,
    auth: Auth,
    cache: Cache,
    origin: Origin,
    cookies: ClientCookies,
    explorer: Explorer,
    dev: bool,
}

impl Platform {
    /// Builds the contexts: oauth's keys; verify, which calls nobody; sessions; oauth, which asks sessions; auth, which asks all.
    ///
    /// # Errors
    /// When one of them cannot be built.
    pub async fn build(infrastructure: Infrastructure, settings: &Settings, origin: &Origin) -> anyhow::Result<Self> {
        let Infrastructure { databases, rings, cache, clock, random, senders } = infrastructure;
        let bus = Bus::in_process();
        let dev = settings.process.is_dev();
        let cookies = ClientCookies::of(origin, dev);
        let address_factor = settings.process.address_factor();
        let oauth_keys = tessera_oauth::open_keys(&databases.oauth, &rings.oauth, &clock, &random).await?;
        let tenants = AccessTokens::new(
            Arc::new(oauth_keys.clone()),
            tessera_oauth::issuer(origin),
            format!("{origin}/methods"),
            clock.clone(),
        );
        let verify = Verify::build(tessera_verify::Parts {
            senders,
            db: databases.verify,
            ring: rings.verify,
            clock: clock.clone(),
            random: random.clone(),
            tenants,
            cache: cache.clone(),
            bus: bus.clone(),
            address_factor,
            settings: settings.verify.clone(),
        })?;
        let sessions = Sessions::build(tessera_sessions::Parts {
            db: databases.sessions,
            ring: rings.sessions,
            clock: clock.clone(),
            random: random.clone(),
            cache: cache.clone(),
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
            settings: settings.oauth.clone(),
        })?;
        if dev {
            oauth.bootstrap_dev().await?;
        } else {
            oauth.refuse_dev_clients().await?;
        }
        let auth = Auth::build(tessera_auth::Parts {
            db: databases.auth,
            clock,
            random,
            cache: cache.clone(),
            bus,
            origin: origin.clone(),
            cookies: cookies.clone(),
            dev,
            ring: rings.auth,
            hashing_cores: settings.process.cores(),
            address_factor,
            verify: Arc::new(verify.for_sibling(Sibling::Auth)),
            sessions: Arc::new(sessions.clone()),
            oauth: Arc::new(oauth.clone()),
            settings: settings.auth.clone(),
        })?;
        let explorer = Explorer::of(describe::descriptions())?;
        Ok(Self { verify, sessions, oauth, auth, cache, origin: origin.clone(), cookies, explorer, dev })
    }

    /// verify, which has something for each sibling that calls it.
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

    /// Where browsers reach it.
    #[must_use]
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// What client libraries are configured with.
    #[must_use]
    pub fn publishable_key(&self) -> &str {
        self.cookies.publishable_key()
    }

    /// Every operation of the public listener.
    #[must_use]
    pub fn public(&self) -> Endpoints {
        let all = tessera_verify::endpoints()
            .and(tessera_sessions::endpoints())
            .and(tessera_oauth::endpoints())
            .and(tessera_auth::endpoints());
        if self.dev { all.and(tessera_verify::dev_endpoints()) } else { all }
    }

    /// Gives the handlers their contexts, and the public listener of the dev profile its explorer.
    pub fn configure(&self, config: &mut web::ServiceConfig) {
        config.app_data(web::Data::new(self.verify.clone()));
        config.app_data(web::Data::new(self.sessions.clone()));
        config.app_data(web::Data::new(self.oauth.clone()));
        config.app_data(web::Data::new(self.auth.clone()));
        if self.dev {
            self.explorer.configure(config);
        }
    }

    /// Gives the internal listener what it needs.
    pub fn configure_internal(&self, config: &mut web::ServiceConfig) {
        self.explorer.configure(config);
    }

    /// Starts the loops of all contexts.
    #[must_use]
    pub fn workers(&self, stop: &StopSignal) -> Vec<JoinHandle<()>> {
        let of_each =
            [self.verify.workers(stop), self.sessions.workers(stop), self.oauth.workers(stop), self.auth.workers(stop)];
        let (cache, cache_stop) = (self.cache.clone(), stop.clone());
        let listener = tokio::spawn(async move { cache.run(cache_stop).await });
        of_each.into_iter().flatten().chain([listener]).collect()
    }
}
