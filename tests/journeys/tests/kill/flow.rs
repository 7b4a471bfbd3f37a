//! One caller, who does one thing after the other until nobody answers any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rand::RngExt as _;
use rand::rngs::StdRng;
use tessera_journeys::{Answer, Api, Call, json};
use tokio::sync::Notify;

use crate::account::{Account, Opened, Operation, Outcome};

/// Burns down with the requests.
#[derive(Debug)]
pub struct Fuse {
    left: AtomicU32,
    burnt: Notify,
}

impl Fuse {
    pub fn new(requests: u32) -> Self {
        Self { left: AtomicU32::new(requests), burnt: Notify::new() }
    }

    pub async fn burnt(&self) {
        self.burnt.notified().await;
    }

    /// Sends a request while the fuse burns; `None` if there was no answer.
    async fn send(&self, call: Call) -> Option<Answer> {
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.burnt.notify_one();
        }
        call.try_send().await.ok()
    }
}

#[derive(Debug)]
pub struct Flow {
    api: Api,
    fuse: Arc<Fuse>,
    random: StdRng,
    account: Account,
    /// The sessions that are alive, by number.
    live: Vec<usize>,
}

impl Flow {
    pub const fn new(api: Api, fuse: Arc<Fuse>, random: StdRng, account: Account) -> Self {
        Self { api, fuse, random, account, live: Vec::new() }
    }

    /// Fights for the contested address, then works on an account of its own. Answers that, and what came of the contest.
    pub async fn run(mut self, number: usize, contested: &str) -> (Account, Outcome) {
        let answer = self.fuse.send(sign_up(&self.api, contested, number)).await;
        let contest = outcome(answer.as_ref(), 201, &[422]);
        if contest != Outcome::Unknown && self.sign_up().await.is_some() {
            while self.step().await.is_some() {}
        }
        (self.account, contest)
    }

    async fn step(&mut self) -> Option<()> {
        match (self.random.random_range(0..8), self.live.is_empty()) {
            (0..=1, _) | (_, true) => self.sign_in().await,
            (2..=3, _) => self.end_session().await,
            (4..=6, _) => self.change_password().await,
            _ => self.verify_email().await,
        }
    }

    async fn sign_up(&mut self) -> Option<()> {
        let answer = self.fuse.send(sign_up(&self.api, &self.account.email, 0)).await;
        self.note(Operation::SignUp, answer.as_ref(), 201, &[])
    }

    async fn sign_in(&mut self) -> Option<()> {
        let password = self.account.acknowledged_password();
        let answer = self.fuse.send(sign_in(&self.api, &self.account.email, password)).await;
        let opened = self.signed_in(password, answer.as_ref(), &[])?;
        self.live.extend(opened);
        Some(())
    }

    /// Ends a session, within it or within another one.
    async fn end_session(&mut self) -> Option<()> {
        let within = self.any_live();
        let session = self.any_live();
        let path = format!("/sessions/{}", self.account.sessions[session].number);
        let answer = self.fuse.send(self.api.delete(&path).bearer(&self.account.sessions[within].token)).await;
        self.note(Operation::EndSession { session }, answer.as_ref(), 204, &[])?;
        self.live.retain(|live| *live != session);
        Some(())
    }

    /// Changes the password while somebody else signs in with the old one.
    async fn change_password(&mut self) -> Option<()> {
        let within = self.any_live();
        let (old, new) = (self.account.acknowledged_password(), self.account.acknowledged_password() + 1);
        let body = json!({ "current_password": Account::password(old), "password": Account::password(new) });
        let change = self.api.put("/password").bearer(&self.account.sessions[within].token).json(&body);
        let sign_in = sign_in(&self.api, &self.account.email, old);
        let (changed, signed_in) = futures::join!(self.fuse.send(change), self.fuse.send(sign_in));
        let signed_in = self.signed_in(old, signed_in.as_ref(), &[401]);
        self.note(Operation::ChangePassword { within, to: new }, changed.as_ref(), 200, &[])?;
        self.live = vec![within];
        signed_in.map(drop)
    }

    async fn verify_email(&mut self) -> Option<()> {
        let link = self.api.mailed_link(&self.account.email).await?;
        let answer = self.fuse.send(self.api.get(&link)).await;
        self.note(Operation::VerifyEmail, answer.as_ref(), 204, &[])
    }

    fn any_live(&mut self) -> usize {
        self.live[self.random.random_range(0..self.live.len())]
    }

    /// Notes a sign-in; answers the session's number among the account's, unless it was refused.
    fn signed_in(&mut self, password: usize, answer: Option<&Answer>, refusals: &[u16]) -> Option<Option<usize>> {
        self.note(Operation::SignIn { password }, answer, 201, refusals)?;
        let Some(answer) = answer.filter(|answer| answer.status == 201) else { return Some(None) };
        let number = answer.json()["id"].as_i64().expect("a number");
        let token = answer.header("x-session-token").to_owned();
        self.account.sessions.push(Opened { number, token, password });
        Some(Some(self.account.sessions.len() - 1))
    }

    /// Notes what came of an operation; `None` if nobody knows.
    fn note(&mut self, operation: Operation, answer: Option<&Answer>, done: u16, refusals: &[u16]) -> Option<()> {
        let outcome = outcome(answer, done, refusals);
        self.account.history.push((operation, outcome));
        (outcome != Outcome::Unknown).then_some(())
    }
}

/// Requests of one account, one after the other, have no other outcomes than these: anything else is a fault by itself.
#[track_caller]
fn outcome(answer: Option<&Answer>, done: u16, refusals: &[u16]) -> Outcome {
    match answer {
        None => Outcome::Unknown,
        Some(answer) if answer.status == done => Outcome::Done,
        Some(answer) if refusals.contains(&answer.status.as_u16()) => Outcome::Refused,
        Some(answer) => panic!("neither {done} nor one of {refusals:?}: {answer:?}"),
    }
}

pub fn sign_up(api: &Api, email: &str, password: usize) -> Call {
    api.post("/sign_up").json(&json!({ "email": email, "password": Account::password(password) }))
}

pub fn sign_in(api: &Api, email: &str, password: usize) -> Call {
    api.post("/sign_in").json(&json!({ "email": email, "password": Account::password(password) }))
}
