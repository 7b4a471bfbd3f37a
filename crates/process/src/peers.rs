//! The other services, as this one calls them and is called by them.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, bail};
use reqwest::Url;
use serde::Deserialize;
use tessera_common::clock::Clock;
use tessera_common::config::Config;
use tessera_common::random::Random;
use tessera_common::server::StopSignal;
use tessera_contracts::http::oauth::HttpOAuth;
use tessera_contracts::http::sessions::HttpSessions;
use tessera_contracts::http::verify::HttpVerify;
use tessera_contracts::http::{Clients, Peer, RemoteKeys};
use tessera_contracts::oauth::OAuthApi;
use tessera_contracts::sessions::SessionsApi;
use tessera_contracts::verify::VerifyApi;
use tessera_tokens::access_token::PublicKeys;
use tessera_tokens::service_key::{ServiceKey, ServiceKeys};
use tessera_tokens::service_token::ServiceTokens;
use tokio::task::JoinHandle;

use crate::service::Service;
use crate::settings::ProcessSettings;

/// The settings of calls between services.
#[derive(Clone, Debug, Deserialize)]
struct PeerSettings {
    /// A JWKS file with the public keys of all services; empty for a service that nobody calls.
    service_keys: PathBuf,
    peers: PeerUrls,
}

/// The internal listeners of the other services.
#[derive(Clone, Debug, Deserialize)]
struct PeerUrls {
    sessions: Url,
    verify: Url,
    oauth: Url,
}

/// The other services. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Peers(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    http: Clients,
    urls: PeerUrls,
    key: Option<Arc<ServiceKey>>,
    callers: Option<Arc<ServiceTokens>>,
    oauth_keys: OnceLock<Arc<RemoteKeys>>,
    clock: Clock,
    random: Random,
}

impl Peers {
    /// Reads who they are. None of them is asked yet.
    ///
    /// # Errors
    /// When a key cannot be read, or a service that others call does not know theirs.
    pub fn open<S: Service>(
        config: &Config,
        settings: &ProcessSettings,
        clock: &Clock,
        random: &Random,
    ) -> anyhow::Result<Self> {
        let PeerSettings { service_keys, peers } = config.read()?;
        let key = config.secret("service_key")?.map(|key| ServiceKey::parse(S::NAME, &key));
        let callers = match S::internal().iter().next() {
            None => None,
            Some(_) if service_keys.as_os_str().is_empty() => {
                bail!("setting `service_keys`: name the file with the public keys of the services that call this one")
            }
            Some(_) => {
                let document = std::fs::read_to_string(&service_keys).context("setting `service_keys`")?;
                let keys = ServiceKeys::parse(&document).context("setting `service_keys`")?;
                Some(Arc::new(ServiceTokens::new(keys, S::NAME, clock.clone())))
            }
        };
        Ok(Self(Arc::new(Inner {
            http: Clients::new(settings.trust()?.pem())?,
            urls: peers,
            key: key.transpose().context("setting `service_key`")?.map(Arc::new),
            callers,
            oauth_keys: OnceLock::new(),
            clock: clock.clone(),
            random: random.clone(),
        })))
    }

    /// verify, over HTTP.
    ///
    /// # Errors
    /// When this service has no key to sign its calls with.
    pub fn verify(&self) -> anyhow::Result<Arc<dyn VerifyApi>> {
        Ok(Arc::new(HttpVerify::new(self.peer(&self.0.urls.verify)?)))
    }

    /// sessions, over HTTP.
    ///
    /// # Errors
    /// As [`Peers::verify`].
    pub fn sessions(&self) -> anyhow::Result<Arc<dyn SessionsApi>> {
        Ok(Arc::new(HttpSessions::new(self.peer(&self.0.urls.sessions)?)))
    }

    /// oauth, over HTTP.
    ///
    /// # Errors
    /// As [`Peers::verify`].
    pub fn oauth(&self) -> anyhow::Result<Arc<dyn OAuthApi>> {
        Ok(Arc::new(HttpOAuth::new(self.peer(&self.0.urls.oauth)?)))
    }

    /// oauth's public keys, fetched by this service's [`workers`](Self::workers).
    #[must_use]
    pub fn oauth_keys(&self) -> Arc<dyn PublicKeys> {
        let Inner { http, urls, clock, .. } = &*self.0;
        let fetch = || Arc::new(RemoteKeys::new(http.clone(), &urls.oauth, clock.clone()));
        self.0.oauth_keys.get_or_init(fetch).clone()
    }

    /// Checks who calls this service; `None` where nobody may.
    #[must_use]
    pub fn callers(&self) -> Option<Arc<ServiceTokens>> {
        self.0.callers.clone()
    }

    /// Starts what keeps oauth's keys fresh, if they were asked for.
    #[must_use]
    pub fn workers(&self, stop: &StopSignal) -> Vec<JoinHandle<()>> {
        let keys = self.0.oauth_keys.get().cloned();
        keys.map(|keys| tokio::spawn(keys.run(stop.clone()))).into_iter().collect()
    }

    fn peer(&self, base: &Url) -> anyhow::Result<Peer> {
        let Inner { http, key, clock, random, .. } = &*self.0;
        let Some(key) = key else {
            bail!("setting `service_key`: a key is needed, for this service's calls are signed with it");
        };
        Ok(Peer::new(http.clone(), base.clone(), Arc::clone(key), clock.clone(), random.clone()))
    }
}
