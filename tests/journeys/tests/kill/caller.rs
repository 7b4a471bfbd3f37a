//! Requests of the test, each noted in the history as it begins and as its answer comes.

use std::sync::atomic::{AtomicU32, Ordering};

use tessera_journeys::{Answer, Api, Call, History, Operation, Outcome, json};
use tokio::sync::Notify;

use crate::account::{Account, Opened};

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

    /// One that never burns down.
    pub fn endless() -> Self {
        Self::new(u32::MAX)
    }

    pub async fn burnt(&self) {
        self.burnt.notified().await;
    }
}

/// Somebody who calls a platform that may be killed.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    pub api: &'a Api,
    pub fuse: &'a Fuse,
    pub history: &'a History,
}

impl Caller<'_> {
    pub async fn sign_up(&self, email: &str, password: usize) -> Outcome {
        let body = json!({ "email": email, "password": Account::password(password) });
        let call = self.api.post("/sign_up").json(&body);
        self.send(email, Operation::SignUp { password }, call, 201, &[422]).await.0
    }

    pub async fn sign_in(&self, email: &str, password: usize) -> (Outcome, Option<Opened>) {
        let body = json!({ "email": email, "password": Account::password(password) });
        let call = self.api.post("/sign_in").json(&body);
        let (outcome, answer) = self.send(email, Operation::SignIn { password }, call, 201, &[401]).await;
        (outcome, answer.filter(|_| outcome == Outcome::Done).as_ref().map(opened))
    }

    pub async fn use_session(&self, email: &str, session: &Opened) -> Outcome {
        let call = self.api.get("/sessions").bearer(&session.token);
        self.send(email, Operation::UseSession { session: session.name() }, call, 200, &[401]).await.0
    }

    pub async fn end_session(&self, email: &str, session: &Opened, within: &Opened) -> Outcome {
        let call = self.api.delete(&format!("/sessions/{}", session.number)).bearer(&within.token);
        let operation = Operation::EndSession { session: session.name(), within: within.name() };
        self.send(email, operation, call, 204, &[401, 404]).await.0
    }

    pub async fn change_password(&self, email: &str, within: &Opened, from: usize, to: usize) -> Outcome {
        let (present, next) = (Account::password(from), Account::password(to));
        let body = json!({ "current_password": present, "password": next, "password_confirmation": next });
        let call = self.api.put("/password").bearer(&within.token).json(&body);
        let operation = Operation::ChangePassword { within: within.name(), from, to };
        self.send(email, operation, call, 200, &[401, 422]).await.0
    }

    pub async fn verify_email(&self, email: &str) -> Outcome {
        let Some(link) = self.api.mailed_link(email).await else { return Outcome::Unknown };
        self.send(email, Operation::VerifyEmail, self.api.get(&link), 204, &[]).await.0
    }

    /// Sends a request and notes what came of it. Requests have no other outcomes than these: anything else is a fault by itself.
    async fn send(
        &self,
        key: &str,
        operation: Operation,
        call: Call,
        done: u16,
        refusals: &[u16],
    ) -> (Outcome, Option<Answer>) {
        let is_sign_in = matches!(operation, Operation::SignIn { .. });
        let begun = self.history.begin(key, operation);
        if self.fuse.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.fuse.burnt.notify_one();
        }
        let answer = call.try_send().await.ok();
        let outcome = match &answer {
            None => Outcome::Unknown,
            Some(answer) if answer.status == done => Outcome::Done,
            Some(answer) if refusals.contains(&answer.status.as_u16()) => Outcome::Refused,
            Some(answer) => panic!("neither {done} nor one of {refusals:?}: {answer:?}"),
        };
        let said = match &answer {
            Some(answer) if is_sign_in && outcome == Outcome::Done => opened(answer).name(),
            _ => String::new(),
        };
        begun.end(outcome, &said);
        (outcome, answer)
    }
}

fn opened(answer: &Answer) -> Opened {
    let number = answer.json()["id"].as_i64().expect("a number");
    Opened { number, token: answer.header("x-session-token").to_owned() }
}
