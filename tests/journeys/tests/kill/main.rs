//! `kill -9` at seeded moments: whatever the program has acknowledged stays so, and the rest was done wholly or not at all.
//!
//! `TESSERA_TEST_SEEDS=100` runs more seeds, `TESSERA_TEST_SEED=7` one.

#![cfg(test)]

mod account;
mod check;
mod flow;
mod settled;

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tessera_journeys::{DataFolder, Instance};

use crate::account::{Account, Contest, Operation, Outcome};
use crate::flow::{Flow, Fuse};

/// Flows at once.
const FLOWS: usize = 3;
/// The program is killed after one of so many requests…
const REQUESTS: u32 = 30;
/// …and the third power of at most so many microseconds later: in the middle of what they began, be it short or long.
const DELAY_ROOT: u64 = 40;
/// So many seeds do everything there is to do.
const ENOUGH: usize = 25;

/// The kinds of operations.
type Kind = (&'static str, fn(&Operation) -> bool);

const KINDS: [Kind; 5] = [
    ("sign-ups", |operation| matches!(operation, Operation::SignUp)),
    ("sign-ins", |operation| matches!(operation, Operation::SignIn { .. })),
    ("sign-outs", |operation| matches!(operation, Operation::EndSession { .. })),
    ("password changes", |operation| matches!(operation, Operation::ChangePassword { .. })),
    ("proofs of an address", |operation| matches!(operation, Operation::VerifyEmail)),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_kill_at_any_moment() {
    let folder = DataFolder::new();
    let mut instance = Instance::start(&folder).await;
    let mut accounts = Vec::new();
    for seed in seeds() {
        let _note = Note(seed);
        let (mut touched, contest) = load_and_kill(instance, seed).await;
        instance = Instance::start(&folder).await;
        let api = instance.api();
        check::contest(&api, &contest).await;
        join_all(touched.iter_mut().map(|account| check::account(&api, account))).await;
        accounts.append(&mut touched);
    }
    settled::wait(&folder).await;
    let api = instance.api();
    join_all(accounts.iter().map(|account| check::sessions(&api, account))).await;
    assert!(instance.terminate().await.success());
    settled::check(&folder, &accounts).await;
    assert!(!folder.log().contains("panicked"), "{}", folder.log());
    summarize(&accounts);
}

/// How much was put to the test. A load in which nobody got to change a password would prove little.
fn summarize(accounts: &[Account]) {
    for (what, is_it) in KINDS {
        let with = |outcome: Outcome| {
            let histories = accounts.iter().flat_map(|account| &account.history);
            histories.filter(|(operation, came)| is_it(operation) && *came == outcome).count()
        };
        let (done, unknown) = (with(Outcome::Done), with(Outcome::Unknown));
        eprintln!("{what}: {done} acknowledged, {unknown} without an answer");
        assert!(done > 0 || seeds().len() < ENOUGH, "no {what}");
    }
}

fn seeds() -> Vec<u64> {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse().expect("a number"));
    match number("TESSERA_TEST_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("TESSERA_TEST_SEEDS").unwrap_or(25)).collect(),
    }
}

/// Says which seed it was, if the test fails in it.
struct Note(u64);

impl Drop for Note {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed {}: TESSERA_TEST_SEED={} runs it alone", self.0, self.0);
        }
    }
}

/// Lets the flows of a seed work until the program is killed under them.
async fn load_and_kill(instance: Instance, seed: u64) -> (Vec<Account>, Contest) {
    let mut random = StdRng::seed_from_u64(seed);
    let fuse = Arc::new(Fuse::new(random.random_range(1..=REQUESTS)));
    let delay = Duration::from_micros(random.random_range(0..=DELAY_ROOT).pow(3));
    let contested = format!("seed{seed}-contested@example.org");
    let flows = (0..FLOWS).map(|number| {
        let account = Account::new(format!("seed{seed}-flow{number}@example.org"));
        let flow = Flow::new(instance.api(), Arc::clone(&fuse), StdRng::seed_from_u64(random.random()), account);
        flow.run(number, &contested)
    });
    let flows = join_all(flows.collect::<Vec<_>>());
    let kill = async move {
        fuse.burnt().await;
        tokio::time::sleep(delay).await;
        instance.kill9();
    };
    let (ended, ()) = futures::join!(flows, kill);
    let (accounts, outcomes) = ended.into_iter().unzip();
    (accounts, Contest { address: contested, outcomes })
}
