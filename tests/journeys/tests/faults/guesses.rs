//! Two hundred wrong codes at once for one verification, while those who compare them are killed: five are compared, whoever dies. Who
//! gets no answer guesses again.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::future::join_all;
use rand::RngExt as _;
use rand::rngs::StdRng;
use tessera_journeys::load::{Caller, Fuse};
use tessera_journeys::{
    Api, DataFolder, Engines, History, Instance, Operation, Outcome, Seed, Service, Services, Setup, State, eventually,
    seeds,
};

const GUESSES: u32 = 200;
/// Wrong codes after which a verification is dead.
const CAP: i64 = 5;
/// What a gateway says of a service that is gone, and verify until it knows oauth's keys.
const EXCUSED: [u16; 2] = [502, 503];
/// The kill comes when all have begun, and the third power of at most so many microseconds later.
const DELAY_ROOT: u64 = 25;
/// Between the kills of two replicas, at most.
const APART: Duration = Duration::from_millis(50);
/// Before somebody guesses again.
const AGAIN: Duration = Duration::from_millis(500);
/// Until everybody has an answer: a process starts in a second, on a busy machine in several.
const PATIENCE: Duration = Duration::from_secs(60);

/// A verification at which many have guessed.
struct Guessed {
    history: History,
    id: String,
    /// How many attempts were counted, as those were told whose code was compared.
    told: Vec<i64>,
    /// Guesses without an answer.
    unknown: usize,
    /// What the right code was worth afterwards.
    right: Outcome,
}

/// Lets all guess while `kill` happens, until each has an answer; then presents the right code.
async fn guess(api: &Api, seed: u64, mut random: StdRng, kill: impl AsyncFnOnce(&mut StdRng)) -> Guessed {
    let (history, fuse) = (History::default(), Fuse::new(GUESSES));
    let quiet = Fuse::endless();
    let calm = Caller { api, fuse: &quiet, history: &history, excused: &EXCUSED };
    let consumer = format!("guessed-{seed}@example.org");
    let (token, id) = eventually("a verification", PATIENCE, async || {
        let token = calm.tenant_token().await?;
        let id = calm.initiate(&token, &consumer).await?;
        Some((token, id))
    })
    .await;
    let code = calm.code(&consumer).await.expect("a mail");
    let caller = Caller { fuse: &fuse, ..calm };
    let guesses = join_all((0..GUESSES).map(async |_| {
        while caller.guess(&token, &id, &code).await == Outcome::Unknown {
            tokio::time::sleep(AGAIN).await;
        }
    }));
    let killed = async {
        fuse.burnt().await;
        tokio::time::sleep(Duration::from_micros(random.random_range(0..=DELAY_ROOT).pow(3))).await;
        kill(&mut random).await;
    };
    let all = async { futures::join!(guesses, killed) };
    tokio::time::timeout(PATIENCE, all).await.expect("everybody has an answer");
    let right = calm.spend(&token, &id, &code).await;
    let records = history.records();
    let compares = || records.iter().filter(|record| record.operation == Operation::Compare);
    let told = compares().filter_map(|record| record.said.parse().ok()).collect();
    let unknown = compares().filter(|record| record.outcome == Outcome::Unknown).count();
    Guessed { history, id, told, unknown, right }
}

impl Guessed {
    /// What must hold, given how many attempts the database has counted for each verification.
    fn check(&self, name: &str, seed: u64, counted: &[(String, i64)]) {
        let Self { history, id, told, unknown, right } = self;
        eprintln!("{name}, seed {seed}: told of attempts {told:?}; {unknown} guesses without an answer");
        assert_eq!(history.violations(), []);
        assert_eq!(told.iter().collect::<BTreeSet<_>>().len(), told.len(), "each is an attempt of its own: {told:?}");
        let counted = counted.iter().find(|(of, _)| of == id).map(|(_, attempts)| *attempts);
        assert_eq!(counted, Some(CAP), "every guess was answered, so all attempts are used up");
        assert_eq!(*right, Outcome::Refused, "the right code comes too late");
    }
}

/// Kills one replica of verify or both, one after the other, and starts them again.
async fn kill_replicas(services: &mut Services, random: &mut StdRng) {
    let first = random.random_range(0..2);
    let mut killed = vec![first];
    services.kill9(Service::Verify, first);
    if random.random_bool(0.5) {
        tokio::time::sleep(APART.mul_f64(random.random())).await;
        services.kill9(Service::Verify, 1 - first);
        killed.push(1 - first);
    }
    for number in killed {
        services.launch(Service::Verify, number).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f3_of_200_guesses_at_once_over_two_replicas_that_are_killed_five_are_compared() {
    let Some(engines) = Engines::start().await else { return };
    let mut services = Services::start(&Setup { replicas: 2, ..Setup::on(&engines) }).await;
    let api = services.api();
    for number in seeds(3) {
        let seed = Seed::hold(number);
        let kill = async |random: &mut StdRng| kill_replicas(&mut services, random).await;
        let guessed = guess(&api, number, seed.random(), kill).await;
        let mut state = State::of_services(&services).await;
        guessed.check("F3 guesses, two replicas", number, &state.attempts().await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f3_of_200_guesses_at_once_over_an_all_in_one_that_is_killed_five_are_compared() {
    let folder = DataFolder::new();
    let mut instance = Some(Instance::start(&folder).await);
    let api = instance.as_ref().expect("it runs").api();
    for number in seeds(3) {
        let seed = Seed::hold(number);
        let guessed = guess(&api, number, seed.random(), async |_| {
            instance.take().expect("it runs").kill9();
            instance = Some(Instance::start(&folder).await);
        })
        .await;
        let mut state = State::of_folder(&folder).await;
        guessed.check("F3 guesses, all in one", number, &state.attempts().await);
    }
}
