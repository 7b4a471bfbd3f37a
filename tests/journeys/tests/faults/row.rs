//! One row of the fault matrix: engines and services of its own, some rounds, and what must hold at the end.

use std::time::Duration;

use rand::rngs::StdRng;
use tessera_journeys::load::{Caller, Fuse};
use tessera_journeys::{
    Api, Engines, History, Seed, Service, Services, Setup, State, connections, eventually, idle_in_transaction,
};
use tokio::time::Instant;

use crate::figures::Figures;
use crate::round::Round;

/// Connections of each process. One that was lost is missed soon.
const CONNECTIONS: i64 = 6;
/// Sessions that a process has besides: the guard of its relay, and its last beginnings.
const BESIDES: i64 = 4;

/// What a fault acts on.
#[derive(Debug)]
pub struct Ground {
    pub engines: Engines,
    pub services: Services,
}

/// A row in the making.
#[derive(Debug)]
pub struct Row {
    name: &'static str,
    pub ground: Ground,
    /// Processes of all services.
    processes: i64,
    rounds: Vec<Round>,
}

impl Row {
    /// Starts everything; `None` where an engine is not installed.
    pub async fn start(name: &'static str) -> Option<Self> {
        Self::start_with(name, async |_| ()).await
    }

    /// As [`Row::start`], after something was done to the engines.
    pub async fn start_with(name: &'static str, before: impl AsyncFnOnce(&mut Engines)) -> Option<Self> {
        let mut engines = Engines::start().await?;
        before(&mut engines).await;
        let setup = Setup::on(&engines);
        Some(Self::start_on(name, engines, setup).await)
    }

    /// As [`Row::start`], with so many replicas of each service, which drain before they end.
    pub async fn start_replicas(name: &'static str, replicas: usize) -> Option<Self> {
        let engines = Engines::start().await?;
        let setup = Setup { replicas, drains: true, ..Setup::on(&engines) };
        Some(Self::start_on(name, engines, setup).await)
    }

    async fn start_on(name: &'static str, engines: Engines, mut setup: Setup) -> Self {
        setup.settings.push(("TESSERA_DATABASE_CONNECTIONS".to_owned(), CONNECTIONS.to_string()));
        let services = Services::start(&setup).await;
        let processes = i64::try_from(services.listeners().count()).expect("a few");
        let row = Self { name, ground: Ground { engines, services }, processes, rounds: Vec::new() };
        row.wait_for_keys().await;
        row
    }

    /// Waits until each verify knows oauth's keys: on a busy machine its first question, which may take a second, may be without an answer.
    async fn wait_for_keys(&self) {
        let (api, fuse, history) = (self.ground.services.api(), Fuse::endless(), History::default());
        let caller = Caller { api: &api, fuse: &fuse, history: &history, excused: &[503] };
        for (service, [port, _]) in self.ground.services.listeners() {
            if service != Service::Verify {
                continue;
            }
            let verify = Api::new(format!("http://localhost:{port}"));
            eventually("oauth's keys", Duration::from_secs(10), async || {
                let token = caller.tenant_token().await?;
                let consumer = format!("first-of-{port}@example.org");
                Caller { api: &verify, ..caller }.initiate(&token, &consumer).await
            })
            .await;
        }
    }

    /// Waits until nothing is under way, and prints how long that took.
    pub async fn drain(&mut self, within: Duration) {
        let since = Instant::now();
        let mut state = State::of_services(&self.ground.services).await;
        state.settle().await;
        let took = since.elapsed();
        eprintln!("{}: everything drained in {:.2} s", self.name, took.as_secs_f64());
        assert!(took < within, "{took:?}");
    }

    /// One round with a fault, and a look at what it has left.
    pub async fn round(
        &mut self,
        number: u64,
        excused: &[u16],
        fault: impl AsyncFnOnce(&mut Ground, &History, &mut StdRng) -> Duration,
    ) {
        let seed = Seed::hold(number);
        let api = self.ground.services.api();
        let ground = &mut self.ground;
        let round = Round::run(&api, number, seed.random(), excused, async |history, random| {
            fault(ground, history, random).await
        });
        let round = round.await;
        round.probe(&api).await;
        assert_eq!(round.history.violations(), []);
        self.rounds.push(round);
    }

    /// Waits until nothing is under way; then everything must be as it was told. Prints the figures.
    pub async fn finish(self) -> Figures {
        // Whatever is wrong by now, one of them has done it.
        let _seeds: Vec<Seed> = self.rounds.iter().map(|round| Seed::hold(round.seed)).collect();
        let mut state = State::of_services(&self.ground.services).await;
        state.settle().await;
        let api = self.ground.services.api();
        let mut figures = Figures::default();
        let verified = state.verified().await;
        for round in &self.rounds {
            round.probe_settled(&api).await;
            let unverified: Vec<String> =
                round.verified().into_iter().filter(|email| !verified.contains(email)).collect();
            assert_eq!((round.history.violations(), unverified), (Vec::new(), Vec::new()));
            figures.add(&round.history, round.recovered);
        }
        state.settle().await;
        assert_eq!(state.broken().await, []);
        drop(state);
        self.check_connections().await;
        assert!(!self.ground.services.log().contains("panicked"), "{}", self.ground.services.log());
        eprintln!("{}: {figures}", self.name);
        figures
    }

    /// No session of the database is held in a transaction, and none is left over (I16).
    async fn check_connections(&self) {
        let (admin, namespace) = (self.ground.engines.postgres.url("postgres"), self.ground.services.namespace());
        assert_eq!(idle_in_transaction(&admin, namespace).await, Vec::<String>::new());
        let most = self.processes * (CONNECTIONS + BESIDES);
        eventually("no sessions left over", Duration::from_secs(10), async || {
            (connections(&admin, namespace).await <= most).then_some(())
        })
        .await;
    }
}
