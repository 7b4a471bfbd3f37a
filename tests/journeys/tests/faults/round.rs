//! One seed's load, with a fault in the middle.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use tessera_journeys::load::{
    self, Account, BackEnd, Browser, Caller, Codes, Fuse, Newcomers, Person, SignedIn, Until,
};
use tessera_journeys::{Api, History, Operation, Outcome, eventually};

use crate::figures::{WORKS, recovery};

const PERSONS: usize = 3;
const BROWSERS: usize = 2;
const BACK_ENDS: usize = 2;
/// The fault comes after one of so many requests…
const REQUESTS: std::ops::RangeInclusive<u32> = 30..=120;
/// …and the third power of at most so many microseconds later: in the middle of what they began, be it short or long.
const DELAY_ROOT: u64 = 40;
/// Until everything works again. What is promised is less, but not for a machine that builds and runs other tests meanwhile.
const RECOVERY: Duration = Duration::from_secs(30);

/// What one seed's callers were told of.
#[derive(Debug)]
pub struct Round {
    pub seed: u64,
    pub history: History,
    pub recovered: [Duration; WORKS.len()],
    accounts: Vec<Account>,
    signed_in: Vec<SignedIn>,
    codes: Vec<Codes>,
    contested: String,
}

impl Round {
    /// Lets callers work while `fault` happens, until each kind of work is done again. `fault` answers when it was over, as the time of the
    /// history that it is given. `excused` are the statuses that may come meanwhile and promise nothing.
    pub async fn run(
        api: &Api,
        seed: u64,
        mut random: StdRng,
        excused: &[u16],
        fault: impl AsyncFnOnce(&History, &mut StdRng) -> Duration,
    ) -> Self {
        let history = History::default();
        let told = AtomicBool::new(false);
        let fuse = Fuse::new(random.random_range(REQUESTS));
        let delay = Duration::from_micros(random.random_range(0..=DELAY_ROOT).pow(3));
        let until = Until::Told(&told);
        let caller = Caller { api, fuse: &fuse, history: &history, excused };
        let name = |what: &str, number: usize| format!("seed{seed}-{what}{number}");
        let mut drawn = || StdRng::seed_from_u64(random.random());
        let contested = format!("seed{seed}-contested@example.org");
        let persons: Vec<_> = (0..PERSONS)
            .map(|number| {
                let account = Account::new(format!("{}@example.org", name("person", number)));
                Person::new(caller, drawn(), account).run(number, &contested, until)
            })
            .collect();
        let browsers: Vec<_> = (0..BROWSERS)
            .map(|number| Browser::new(caller, drawn(), format!("{}@example.org", name("browser", number))).run(until))
            .collect();
        let back_ends: Vec<_> =
            (0..BACK_ENDS).map(|number| BackEnd::new(caller, drawn(), name("code", number)).run(until)).collect();
        let newcomers = Newcomers::new(caller, name("newcomer", 0)).run(until);
        let mut of_fault = drawn();
        let struck = async {
            fuse.burnt().await;
            tokio::time::sleep(delay).await;
            let ended = fault(&history, &mut of_fault).await;
            let what = "all kinds of work again";
            let again = async || {
                let recovered = recovery(&history, ended);
                recovered.iter().all(Option::is_some).then(|| recovered.map(Option::unwrap_or_default))
            };
            let recovered = eventually(what, RECOVERY, again).await;
            told.store(true, Ordering::Relaxed);
            recovered
        };
        let (persons, signed_in, codes, newcomers, recovered) =
            futures::join!(join_all(persons), join_all(browsers), join_all(back_ends), newcomers, struck);
        let accounts = persons.into_iter().chain(newcomers).collect();
        Self { seed, history, recovered, accounts, signed_in: signed_in.concat(), codes, contested }
    }

    /// Looks at everything its callers were told of, on a platform that is well.
    pub async fn probe(&self, api: &Api) {
        let fuse = Fuse::endless();
        let caller = self.quiet(api, &fuse);
        load::contest(&caller, &self.contested, PERSONS).await;
        futures::join!(
            load::accounts(&caller, &self.accounts),
            load::signed_in(&caller, &self.signed_in),
            join_all(self.codes.iter().map(|codes| load::codes(&caller, codes))),
        );
    }

    /// Looks at what must be over once all has settled.
    pub async fn probe_settled(&self, api: &Api) {
        let fuse = Fuse::endless();
        let caller = self.quiet(api, &fuse);
        for account in &self.accounts {
            self.history.begin(&account.email, Operation::Settle).end(Outcome::Done, "");
            load::sessions(&caller, account).await;
        }
        load::signed_in(&caller, &self.signed_in).await;
    }

    /// The addresses whose proof was acknowledged.
    pub fn verified(&self) -> Vec<String> {
        let records = self.history.records();
        let told = records
            .iter()
            .filter(|record| record.operation == Operation::VerifyEmail && record.outcome == Outcome::Done);
        told.map(|record| record.key.clone()).collect()
    }

    fn quiet<'a>(&'a self, api: &'a Api, fuse: &'a Fuse) -> Caller<'a> {
        Caller { api, fuse, history: &self.history, excused: &[] }
    }
}
