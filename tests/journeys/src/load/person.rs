//! Somebody with an account, who does one thing after the other.

use rand::RngExt as _;
use rand::rngs::StdRng;

use super::Until;
use super::account::{Account, Opened};
use super::caller::Caller;
use crate::history::Outcome;

/// Wrong passwords that a person may try: below the limit of an account, for others try some too.
const WRONG: u32 = 3;

/// One person.
#[derive(Debug)]
pub struct Person<'a> {
    caller: Caller<'a>,
    random: StdRng,
    account: Account,
    /// The sessions that are alive, as far as their owner knows.
    live: Vec<Opened>,
    /// How many wrong passwords were tried.
    wrong: u32,
}

impl<'a> Person<'a> {
    /// Somebody without an account yet.
    #[must_use]
    pub const fn new(caller: Caller<'a>, random: StdRng, account: Account) -> Self {
        Self { caller, random, account, live: Vec::new(), wrong: 0 }
    }

    /// Fights for the contested address with the password of this number, then works on an account of its own.
    pub async fn run(mut self, number: usize, contested: &str, until: Until<'_>) -> Account {
        let contest = known(self.caller.sign_up(contested, number).await);
        let mut goes_on = until.goes_on(contest).await;
        while goes_on {
            let signed_up = known(self.caller.sign_up(&self.account.email, 0).await);
            goes_on = until.goes_on(signed_up).await;
            if signed_up.is_some() {
                break;
            }
        }
        while goes_on {
            let step = self.step().await;
            goes_on = until.goes_on(step).await;
        }
        self.account
    }

    async fn step(&mut self) -> Option<()> {
        match (self.random.random_range(0..8), self.live.is_empty()) {
            (0..=1, _) | (_, true) => self.sign_in().await,
            (2..=3, _) => self.end_session().await,
            (4..=6, _) if self.account.candidates.len() == 1 => self.change_password().await,
            (4..=6, _) => self.sign_in().await,
            _ => known(self.caller.verify_email(&self.account.email).await),
        }
    }

    /// Signs in with a password that may be right; afterwards more is known about it.
    async fn sign_in(&mut self) -> Option<()> {
        let password = self.account.candidates.first().copied()?;
        let (outcome, opened) = self.caller.sign_in(&self.account.email, password).await;
        match outcome {
            Outcome::Done => self.account.candidates = vec![password],
            Outcome::Refused if self.account.candidates.len() > 1 => {
                self.account.candidates.retain(|candidate| *candidate != password);
            }
            // Of the only one: the history says whether that may be.
            Outcome::Refused | Outcome::Unknown => {}
        }
        self.account.sessions.extend(opened.clone());
        self.live.extend(opened);
        known(outcome)
    }

    /// Ends a session, within it or within another one.
    async fn end_session(&mut self) -> Option<()> {
        let (within, session) = (self.any_live(), self.any_live());
        let outcome = self.caller.end_session(&self.account.email, &session, &within).await;
        self.live.retain(|live| live.number != session.number);
        if outcome == Outcome::Refused {
            self.live.retain(|live| live.number != within.number);
        }
        known(outcome)
    }

    /// Changes the password while somebody else signs in with the old one.
    async fn change_password(&mut self) -> Option<()> {
        let within = self.any_live();
        let (old, new) = (self.account.candidates.first().copied()?, self.account.passwords);
        self.account.passwords += 1;
        let email = self.account.email.clone();
        let somebody_else =
            async { if self.wrong < WRONG { self.caller.sign_in(&email, old).await } else { (Outcome::Done, None) } };
        let (changed, (signed_in, opened)) =
            futures::join!(self.caller.change_password(&email, &within, old, new), somebody_else);
        self.wrong += u32::from(signed_in == Outcome::Refused);
        self.account.sessions.extend(opened);
        self.live = Vec::new();
        match changed {
            Outcome::Done => {
                self.account.candidates = vec![new];
                self.live = vec![within];
            }
            Outcome::Unknown => {
                self.account.candidates = vec![new, old];
                self.live = vec![within];
            }
            Outcome::Refused => {}
        }
        known(changed).and(known(signed_in))
    }

    fn any_live(&mut self) -> Opened {
        self.live[self.random.random_range(0..self.live.len())].clone()
    }
}

/// Nothing, if nobody knows what happened.
pub(super) fn known(outcome: Outcome) -> Option<()> {
    (outcome != Outcome::Unknown).then_some(())
}
