//! One caller, who does one thing after the other until nobody answers any more.

use rand::RngExt as _;
use rand::rngs::StdRng;
use tessera_journeys::Outcome;

use crate::account::{Account, Opened};
use crate::caller::Caller;

#[derive(Debug)]
pub struct Flow<'a> {
    caller: Caller<'a>,
    random: StdRng,
    account: Account,
    /// The sessions that are alive.
    live: Vec<Opened>,
    /// The present password.
    password: usize,
}

impl<'a> Flow<'a> {
    pub const fn new(caller: Caller<'a>, random: StdRng, account: Account) -> Self {
        Self { caller, random, account, live: Vec::new(), password: 0 }
    }

    /// Fights for the contested address with the password of this number, then works on an account of its own.
    pub async fn run(mut self, number: usize, contested: &str) -> Account {
        let contest = self.caller.sign_up(contested, number).await;
        if contest != Outcome::Unknown && self.caller.sign_up(&self.account.email, 0).await == Outcome::Done {
            while self.step().await.is_some() {}
        }
        self.account
    }

    async fn step(&mut self) -> Option<()> {
        match (self.random.random_range(0..8), self.live.is_empty()) {
            (0..=1, _) | (_, true) => self.sign_in().await,
            (2..=3, _) => self.end_session().await,
            (4..=6, _) => self.change_password().await,
            _ => known(self.caller.verify_email(&self.account.email).await),
        }
    }

    async fn sign_in(&mut self) -> Option<()> {
        let (outcome, opened) = self.caller.sign_in(&self.account.email, self.password).await;
        self.account.sessions.extend(opened.clone());
        self.live.extend(opened);
        known(outcome)
    }

    /// Ends a session, within it or within another one.
    async fn end_session(&mut self) -> Option<()> {
        let (within, session) = (self.any_live(), self.any_live());
        let outcome = self.caller.end_session(&self.account.email, &session, &within).await;
        self.live.retain(|live| live.number != session.number);
        known(outcome)
    }

    /// Changes the password while somebody else signs in with the old one.
    async fn change_password(&mut self) -> Option<()> {
        let within = self.any_live();
        let (old, new) = (self.password, self.account.passwords);
        self.account.passwords += 1;
        let email = self.account.email.clone();
        let (changed, (signed_in, opened)) =
            futures::join!(self.caller.change_password(&email, &within, old, new), self.caller.sign_in(&email, old));
        self.account.sessions.extend(opened);
        self.password = new;
        self.live = vec![within];
        known(changed).and(known(signed_in))
    }

    fn any_live(&mut self) -> Opened {
        self.live[self.random.random_range(0..self.live.len())].clone()
    }
}

/// Nothing, if nobody knows what happened.
fn known(outcome: Outcome) -> Option<()> {
    (outcome != Outcome::Unknown).then_some(())
}
