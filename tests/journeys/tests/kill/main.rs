//! `kill -9` at seeded moments: whatever the program has acknowledged stays so, and the rest was done wholly or not at all.
//!
//! `TESSERA_FAULT_SEEDS=100` runs more seeds, `TESSERA_FAULT_SEED=7` one.

#![cfg(test)]

use std::time::Duration;

use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tessera_journeys::load::{self, Account, Caller, Fuse, Person, Until};
use tessera_journeys::{DataFolder, History, Instance, Operation, Outcome, Record, Seed, State, seeds};

/// Seeds of a usual run; they do everything there is to do.
const ENOUGH: usize = 25;
/// Flows at once.
const FLOWS: usize = 3;
/// The program is killed after one of so many requests…
const REQUESTS: u32 = 30;
/// …and the third power of at most so many microseconds later: in the middle of what they began, be it short or long.
const DELAY_ROOT: u64 = 40;

/// The kinds of operations.
type Kind = (&'static str, fn(&Operation) -> bool);

const KINDS: [Kind; 5] = [
    ("sign-ups", |operation| matches!(operation, Operation::SignUp { .. })),
    ("sign-ins", |operation| matches!(operation, Operation::SignIn { .. })),
    ("sign-outs", |operation| matches!(operation, Operation::EndSession { .. })),
    ("password changes", |operation| matches!(operation, Operation::ChangePassword { .. })),
    ("proofs of an address", |operation| matches!(operation, Operation::VerifyEmail)),
];

/// What one seed has done.
struct Run {
    seed: u64,
    history: History,
    accounts: Vec<Account>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let folder = DataFolder::new();
    let mut instance = Instance::start(&folder).await;
    let mut runs = Vec::new();
    for number in seeds(25) {
        let seed = Seed::hold(number);
        let history = History::default();
        let contested = format!("seed{number}-contested@example.org");
        let accounts = load_and_kill(instance, seed.random(), number, &history, &contested).await;
        instance = Instance::start(&folder).await;
        let (api, fuse) = (instance.api(), Fuse::endless());
        let caller = Caller { api: &api, fuse: &fuse, history: &history, excused: &[] };
        load::contest(&caller, &contested, FLOWS).await;
        join_all(accounts.iter().map(|account| load::accounts(&caller, std::slice::from_ref(account)))).await;
        assert_eq!(history.violations(), []);
        runs.push(Run { seed: number, history, accounts });
    }
    let mut state = State::of_folder(&folder).await;
    state.settle().await;
    for Run { seed, history, accounts } in &runs {
        let _seed = Seed::hold(*seed);
        let (api, fuse) = (instance.api(), Fuse::endless());
        let caller = Caller { api: &api, fuse: &fuse, history, excused: &[] };
        for account in accounts {
            history.begin(&account.email, Operation::Settle).end(Outcome::Done, "");
            load::sessions(&caller, account).await;
        }
        assert_eq!(history.violations(), []);
    }
    assert!(instance.terminate().await.success());
    assert_eq!(state.broken().await, []);
    let records: Vec<Record> = runs.iter().flat_map(|run| run.history.records()).collect();
    check_verified(&state.verified().await, &records);
    assert!(!folder.log().contains("panicked"), "{}", folder.log());
    summarize(&records);
}

/// Whoever was told that an address is proved, finds it so.
fn check_verified(verified: &[String], records: &[Record]) {
    let told =
        records.iter().filter(|record| record.operation == Operation::VerifyEmail && record.outcome == Outcome::Done);
    for record in told {
        assert!(verified.contains(&record.key), "not verified: {record}");
    }
}

/// How much was put to the test. A load in which nobody got to change a password would prove little.
fn summarize(records: &[Record]) {
    for (what, is_it) in KINDS {
        let with =
            |outcome| records.iter().filter(|record| is_it(&record.operation) && record.outcome == outcome).count();
        let (done, unknown) = (with(Outcome::Done), with(Outcome::Unknown));
        eprintln!("{what}: {done} acknowledged, {unknown} without an answer");
        assert!(done > 0 || seeds(25).len() < ENOUGH, "no {what}");
    }
}

/// Lets the flows of a seed work until the program is killed under them.
async fn load_and_kill(
    instance: Instance,
    mut random: StdRng,
    seed: u64,
    history: &History,
    contested: &str,
) -> Vec<Account> {
    let fuse = Fuse::new(random.random_range(1..=REQUESTS));
    let delay = Duration::from_micros(random.random_range(0..=DELAY_ROOT).pow(3));
    let api = instance.api();
    let caller = Caller { api: &api, fuse: &fuse, history, excused: &[] };
    let flows = (0..FLOWS).map(|number| {
        let account = Account::new(format!("seed{seed}-flow{number}@example.org"));
        Person::new(caller, StdRng::seed_from_u64(random.random()), account).run(number, contested, Until::Silence)
    });
    let flows = join_all(flows.collect::<Vec<_>>());
    let kill = async {
        fuse.burnt().await;
        tokio::time::sleep(delay).await;
        instance.kill9();
    };
    futures::join!(flows, kill).0
}
