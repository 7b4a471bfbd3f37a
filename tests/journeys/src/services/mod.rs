//! The platform as four services: replicas of each as processes, a database for each, a network that can be broken between any two.

mod broker;
mod databases;
mod environment;
mod replica;

use std::path::PathBuf;

use futures::future::join_all;
use tempfile::TempDir;
use tessera_testkit::{ServiceKeySet, TlsFiles};

use crate::api::Api;
use crate::engines::Engines;
use crate::gateway::Gateway;
use crate::ports::free_port;
use crate::process::Ended;
use crate::proxy::Proxy;
use broker::BrokerNames;
use databases::ServiceDatabases;
use environment::Surroundings;
use replica::Replica;

/// A service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Accounts and sign-in.
    Auth,
    /// Sessions and tokens.
    Sessions,
    /// One-time codes.
    Verify,
    /// OAuth.
    OAuth,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Auth, Self::Sessions, Self::Verify, Self::OAuth];

    /// Its name: of its program, its settings, its database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Sessions => "sessions",
            Self::Verify => "verify",
            Self::OAuth => "oauth",
        }
    }

    /// Whom it calls, for what they do (`deploy/calls.toml`) or for their public keys.
    const fn peers(self) -> &'static [Self] {
        match self {
            Self::Auth => &[Self::Sessions, Self::Verify, Self::OAuth],
            Self::Sessions => &[],
            Self::Verify => &[Self::OAuth],
            Self::OAuth => &[Self::Sessions],
        }
    }
}

/// What four services are to be like.
#[derive(Clone, Debug)]
pub struct Setup {
    /// PostgreSQL, as somebody who may make databases and roles.
    pub postgres: String,
    /// Redis.
    pub redis: String,
    /// RabbitMQ.
    pub amqp: String,
    /// How many of each.
    pub replicas: usize,
    /// Settings of all services over those of the table, by their names in the environment.
    pub settings: Vec<(String, String)>,
    /// Settings of one service over those.
    pub settings_of: Vec<(Service, String, String)>,
    /// Whether a replica that is asked to end drains as long as an operator's does; without it it stops at once, so that no test waits.
    pub drains: bool,
    /// How the gateway spreads requests.
    pub seed: u64,
    /// What the gateway and all listeners show, and whom everybody trusts; plain without it.
    pub tls: Option<TlsFiles>,
}

impl Setup {
    /// One replica of each on these engines.
    #[must_use]
    pub fn on(engines: &Engines) -> Self {
        Self {
            postgres: engines.postgres.url("postgres"),
            redis: engines.redis.url(),
            amqp: engines.rabbitmq.url(),
            replicas: 1,
            settings: Vec::new(),
            settings_of: Vec::new(),
            drains: false,
            seed: 0,
            tls: None,
        }
    }

    /// One replica of each on engines that speak TLS, with TLS between any two.
    ///
    /// # Panics
    /// When an engine speaks none.
    #[must_use]
    pub fn over_tls(engines: &Engines, tls: TlsFiles) -> Self {
        Self {
            postgres: engines.postgres.tls_url("postgres"),
            redis: engines.redis.tls_url().expect("TLS"),
            amqp: engines.rabbitmq.tls_url().expect("TLS"),
            tls: Some(tls),
            ..Self::on(engines)
        }
    }
}

/// The way from one service to another's internal listeners.
#[derive(Debug)]
struct Edge {
    from: Service,
    to: Service,
    proxy: Proxy,
}

/// Running services. They are killed, and their databases dropped, with this value.
#[derive(Debug)]
pub struct Services {
    // Dropped in this order: programs before what they stand on.
    replicas: Vec<Replica>,
    gateway: Gateway,
    edges: Vec<Edge>,
    databases: ServiceDatabases,
    _broker: BrokerNames,
    folder: TempDir,
    tls: Option<TlsFiles>,
}

impl Drop for Services {
    #[expect(clippy::print_stderr, reason = "for whoever reads why a test failed")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("what the services have said:\n{}", self.log());
        }
    }
}

impl Services {
    /// Makes databases, brings them to this release, starts the replicas and waits until all are ready.
    ///
    /// # Panics
    /// When one does not become ready; with what it said.
    pub async fn start(setup: &Setup) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let gateway = Gateway::start(port, setup.seed, setup.tls.as_ref()).await;
        let databases = ServiceDatabases::create(&setup.postgres).await;
        let ports: Vec<(Service, [u16; 2])> = Service::ALL
            .into_iter()
            .flat_map(|service| (0..setup.replicas).map(move |_| (service, [free_port(), free_port()])))
            .collect();
        let of = |wanted: Service, which: usize| -> Vec<u16> {
            ports.iter().filter(|(service, _)| *service == wanted).map(|(_, ports)| ports[which]).collect()
        };
        let mut edges = Vec::new();
        for from in Service::ALL {
            for to in from.peers().iter().copied() {
                edges.push(Edge { from, to, proxy: Proxy::to(&of(to, 1)).await });
            }
        }
        let keys = ServiceKeySet::generate(&Service::ALL.map(Service::name));
        let surroundings =
            Surroundings { setup, databases: &databases, edges: &edges, keys: &keys, folder: folder.path(), port };
        surroundings.write_files();
        let mut replicas: Vec<Replica> = ports
            .iter()
            .enumerate()
            .map(|(number, (service, ports))| {
                Replica::new(
                    *service,
                    *ports,
                    Api::of_port(ports[1], setup.tls.as_ref()),
                    surroundings.environment(*service, *ports),
                    folder.path().join(format!("{}-{number}.log", service.name())),
                )
            })
            .collect();
        let of_each = Service::ALL
            .map(|service| replicas.iter().find(|replica| replica.service == service).expect("one of each"));
        join_all(of_each.map(Replica::prepare)).await;
        start(&mut replicas).await;
        for service in Service::ALL {
            gateway.set(service.name(), of(service, 0));
        }
        let broker = BrokerNames { url: setup.amqp.clone(), namespace: databases.namespace().to_owned() };
        Self { replicas, gateway, edges, databases, _broker: broker, folder, tls: setup.tls.clone() }
    }

    /// A new caller of the one public origin.
    #[must_use]
    pub fn api(&self) -> Api {
        Api::of_port(self.gateway.port(), self.tls.as_ref())
    }

    /// The port of the one public origin.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.gateway.port()
    }

    /// The public port of the first replica of the service that answers a path: past the gateway.
    ///
    /// # Panics
    /// When no service answers it.
    #[must_use]
    pub fn port_of(&self, path: &str) -> u16 {
        let service = self.gateway.service_of(path).unwrap_or_else(|| panic!("no service answers {path}"));
        let first = self.replicas.iter().find(|replica| replica.service.name() == service);
        first.expect("one of each").ports[0]
    }

    /// The process of the first replica of a service.
    ///
    /// # Panics
    /// When it does not run.
    #[must_use]
    pub fn process_id(&self, service: Service) -> u32 {
        self.replicas.iter().find(|replica| replica.service == service).expect("one of each").id()
    }

    /// The database of a service, as its own role.
    #[must_use]
    pub fn database(&self, service: Service) -> &str {
        self.databases.url(service)
    }

    /// What the names of the platform begin with: its databases, its queues.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.databases.namespace()
    }

    /// The way from one service to another, to be broken and mended.
    ///
    /// # Panics
    /// When the one never calls the other.
    pub fn between(&mut self, from: Service, to: Service) -> &mut Proxy {
        let edge = self.edges.iter_mut().find(|edge| edge.from == from && edge.to == to);
        &mut edge.unwrap_or_else(|| panic!("{from:?} does not call {to:?}")).proxy
    }

    /// Ends a replica as a crash would; they are counted from 0.
    ///
    /// # Panics
    /// When there is no such replica, or it does not run.
    pub fn kill9(&mut self, service: Service, number: usize) {
        self.replica(service, number).kill9();
    }

    /// Asks a replica to end, by SIGTERM, and waits until it has, with success.
    ///
    /// # Panics
    /// When it does not.
    pub async fn terminate(&mut self, service: Service, number: usize) {
        self.replica(service, number).terminate().await;
    }

    /// Starts a replica that has ended, where it was, and waits until it is ready.
    ///
    /// # Panics
    /// When it does not become ready; with what it said.
    pub async fn launch(&mut self, service: Service, number: usize) {
        self.replica(service, number).start().await;
    }

    /// Starts a replica that has ended, with some settings changed, and waits for nothing: it may not come up.
    ///
    /// # Panics
    /// When it runs, or cannot be run.
    pub fn spawn(&mut self, service: Service, number: usize, settings: &[(&str, &str)]) {
        self.replica(service, number).spawn(settings);
    }

    /// Runs a service's program beside its first replica, with the same settings, until that ends by itself.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn run(&self, service: Service, arguments: &[&str]) -> Ended {
        let first = self.replicas.iter().find(|replica| replica.service == service).expect("one of each");
        first.run(arguments).await
    }

    /// Where each replica listens, its public port first.
    pub fn listeners(&self) -> impl Iterator<Item = (Service, [u16; 2])> {
        self.replicas.iter().map(|replica| (replica.service, replica.ports))
    }

    /// Asks all to end, and starts them again.
    ///
    /// # Panics
    /// When one does not end with success, or does not become ready.
    pub async fn restart(&mut self) {
        join_all(self.replicas.iter_mut().map(Replica::terminate)).await;
        start(&mut self.replicas).await;
    }

    /// What all of them have said so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.replicas.iter().map(Replica::log).collect()
    }

    /// Where the logs are.
    #[must_use]
    pub fn folder(&self) -> PathBuf {
        self.folder.path().to_owned()
    }

    fn replica(&mut self, service: Service, number: usize) -> &mut Replica {
        let mut replicas = self.replicas.iter_mut().filter(|replica| replica.service == service);
        replicas.nth(number).unwrap_or_else(|| panic!("there is no {service:?} {number}"))
    }
}

/// Starts all and waits until they are ready; oauth before the others: whoever checks its tokens asks for its keys at once, and warns of it
/// when they have not come a second later.
async fn start(replicas: &mut [Replica]) {
    let (oauth, others): (Vec<_>, Vec<_>) = replicas.iter_mut().partition(|replica| replica.service == Service::OAuth);
    for these in [oauth, others] {
        join_all(these.into_iter().map(Replica::start)).await;
    }
}
