//! The whole platform for one test.

use std::net::TcpListener;

use chrono::{DateTime, TimeDelta, Utc};
use tessera_common::clock::Clock;
use tessera_common::random::Random;
use tessera_common::server::{Listener, Origin, Serving, Stop, listen};
use tessera_standalone::compose::Platform;
use tessera_standalone::infrastructure::{Databases, Infrastructure, Rings};
use tessera_standalone::settings::{self, Settings};
use tessera_storage::Cache;

use crate::client::Call;
use crate::databases::{self, Engine, Leftovers};

/// When every test begins: Thursday, 15 January 2026, 10:00 UTC.
pub const START: DateTime<Utc> = match DateTime::from_timestamp(1_768_471_200, 0) {
    Some(start) => start,
    None => DateTime::UNIX_EPOCH,
};

/// A platform that does not listen yet, and the port it will listen on.
pub struct Built {
    pub platform: Platform,
    pub settings: Settings,
    pub origin: Origin,
    pub socket: TcpListener,
    pub clock: Clock,
    pub random: Random,
}

/// Builds the platform on some databases. Its key rings are always the same, so that templates open under them.
pub async fn build(databases: Databases, cache: Cache, variables: &[(&str, &str)]) -> Built {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let config = settings::layer(None, variables).expect("settings").with_flag("workers", 2);
    let settings = Settings::read(&config).expect("settings");
    let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = socket.local_addr().expect("bound").port();
    let origin = Origin::try_from(format!("http://localhost:{port}")).expect("an origin");
    let (clock, random) = (Clock::fixed(START), Random::system());
    let rings = Rings::made(&Random::seeded(1)).expect("key rings");
    let senders = tessera_verify::program::senders(&config, &settings.verify, &databases.verify, &clock, true);
    let senders = senders.expect("senders");
    let infrastructure =
        Infrastructure { databases, rings, cache, clock: clock.clone(), random: random.clone(), senders };
    let platform = Platform::build(infrastructure, &settings, &origin).await.expect("the platform");
    Built { platform, settings, origin, socket, clock, random }
}

/// The platform, listening on a port of its own.
#[derive(Debug)]
pub struct TestApp {
    /// Where it listens, which is also its origin: `http://localhost:<port>`.
    pub origin: String,
    /// Its databases.
    pub databases: Databases,
    /// Its time: stands still until moved.
    pub clock: Clock,
    /// The contexts.
    pub platform: Platform,
    http: reqwest::Client,
    stop: Stop,
    _serving: Serving,
    leftovers: Option<Leftovers>,
}

impl TestApp {
    /// Starts the platform with the default settings.
    pub async fn start(engine: Engine) -> Self {
        Self::start_with(engine, &[]).await
    }

    /// Starts the platform with some settings changed, as the environment would.
    pub async fn start_with(engine: Engine, variables: &[(&str, &str)]) -> Self {
        Self::start_sharing(engine, Cache::Memory, variables).await
    }

    /// Starts the platform as one of several that share a cache.
    pub async fn start_sharing(engine: Engine, cache: Cache, variables: &[(&str, &str)]) -> Self {
        let (databases, leftovers) = databases::fresh(engine).await;
        let Built { platform, settings, origin, socket, clock, random } =
            build(databases.clone(), cache, variables).await;
        let stop = Stop::new();
        drop(platform.workers(&stop.signal()));
        let state = platform.clone();
        let configure = move |config: &mut actix_web::web::ServiceConfig| state.configure(config);
        let listener = Listener { sockets: vec![socket], endpoints: platform.public(), workers: 2, tls: None };
        let edge = settings.process.edge(origin.clone());
        let serving = listen(listener, edge, clock.clone(), random, configure).expect("listening");
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none());
        let http = http.resolve("localhost", ([127, 0, 0, 1], 0).into()).build().expect("a client");
        Self {
            origin: origin.to_string(),
            databases,
            clock,
            platform,
            http,
            stop,
            _serving: serving,
            leftovers: Some(leftovers),
        }
    }

    /// A request to the platform, to be completed and sent.
    pub fn request(&self, method: reqwest::Method, path: &str) -> Call {
        Call::new(self.http.request(method, format!("{}{path}", self.origin)))
    }

    /// `GET path`.
    pub fn get(&self, path: &str) -> Call {
        self.request(reqwest::Method::GET, path)
    }

    /// `POST path`.
    pub fn post(&self, path: &str) -> Call {
        self.request(reqwest::Method::POST, path)
    }

    /// `PUT path`.
    pub fn put(&self, path: &str) -> Call {
        self.request(reqwest::Method::PUT, path)
    }

    /// `DELETE path`.
    pub fn delete(&self, path: &str) -> Call {
        self.request(reqwest::Method::DELETE, path)
    }

    /// Moves the time on.
    pub fn advance(&self, by: TimeDelta) {
        self.clock.advance(by);
    }
}

impl Drop for TestApp {
    fn drop(&mut self) {
        self.stop.ask();
        if let Some(Leftovers::Database(name)) = self.leftovers.take() {
            databases::drop_database(name);
        }
    }
}
