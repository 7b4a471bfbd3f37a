//! Requests, each noted in the history as it begins and as its answer comes.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tessera_testkit::{Answer, Call, Value, json};
use tokio::sync::Notify;

use super::account::{Account, Opened};
use crate::api::Api;
use crate::history::{History, Operation, Outcome};

/// No call takes longer, whatever is down.
const LONGEST: Duration = Duration::from_secs(10);
/// Seconds that a mail is waited for.
const MAIL_WAIT: u32 = 5;

/// Burns down with the requests.
#[derive(Debug)]
pub struct Fuse {
    left: AtomicU32,
    burnt: Notify,
}

impl Fuse {
    /// One that burns for so many requests.
    #[must_use]
    pub fn new(requests: u32) -> Self {
        Self { left: AtomicU32::new(requests), burnt: Notify::new() }
    }

    /// One that never burns down.
    #[must_use]
    pub fn endless() -> Self {
        Self::new(u32::MAX)
    }

    /// Waits until it has burnt down.
    pub async fn burnt(&self) {
        self.burnt.notified().await;
    }
}

/// Somebody who calls a platform that may be in trouble.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// Where.
    pub api: &'a Api,
    /// Burns with each request.
    pub fuse: &'a Fuse,
    /// Where it is noted.
    pub history: &'a History,
    /// The statuses that promise nothing and may come now. Any that is neither one of these nor one of its operation's own is a fault.
    pub excused: &'a [u16],
}

/// A request with what its answers mean.
#[derive(Debug)]
pub(super) struct Asked {
    pub call: Call,
    pub done: &'static [u16],
    pub refused: &'static [u16],
}

impl Caller<'_> {
    /// Signs up.
    pub async fn sign_up(&self, email: &str, password: usize) -> Outcome {
        let body = json!({ "email": email, "password": Account::password(password) });
        let call = self.api.post("/sign_up").json(&body);
        self.send(email, Operation::SignUp { password }, Asked { call, done: &[201], refused: &[422] }).await.0
    }

    /// Signs in; with the session if it was opened.
    pub async fn sign_in(&self, email: &str, password: usize) -> (Outcome, Option<Opened>) {
        let body = json!({ "email": email, "password": Account::password(password) });
        let call = self.api.post("/sign_in").json(&body);
        let asked = Asked { call, done: &[201], refused: &[401] };
        let (outcome, answer) = self.send(email, Operation::SignIn { password }, asked).await;
        (outcome, answer.filter(|_| outcome == Outcome::Done).as_ref().map(opened))
    }

    /// Lists the sessions of whoever has this one.
    pub async fn use_session(&self, email: &str, session: &Opened) -> Outcome {
        let call = self.api.get("/sessions").bearer(&session.token);
        let operation = Operation::UseSession { session: session.name() };
        self.send(email, operation, Asked { call, done: &[200], refused: &[401] }).await.0
    }

    /// Ends a session within one.
    pub async fn end_session(&self, email: &str, session: &Opened, within: &Opened) -> Outcome {
        let call = self.api.delete(&format!("/sessions/{}", session.number)).bearer(&within.token);
        let operation = Operation::EndSession { session: session.name(), within: within.name() };
        self.send(email, operation, Asked { call, done: &[204], refused: &[401, 404] }).await.0
    }

    /// Changes the password within a session.
    pub async fn change_password(&self, email: &str, within: &Opened, from: usize, to: usize) -> Outcome {
        let (present, next) = (Account::password(from), Account::password(to));
        let body = json!({ "current_password": present, "password": next, "password_confirmation": next });
        let call = self.api.put("/password").bearer(&within.token).json(&body);
        let operation = Operation::ChangePassword { within: within.name(), from, to };
        self.send(email, operation, Asked { call, done: &[200], refused: &[401, 422] }).await.0
    }

    /// Follows the mailed link.
    pub async fn verify_email(&self, email: &str) -> Outcome {
        let Some(link) = self.mail(email).await.map(|body| self.api.link_in(&body)) else { return Outcome::Unknown };
        let asked = Asked { call: self.api.get(&link), done: &[204], refused: &[] };
        self.send(email, Operation::VerifyEmail, asked).await.0
    }

    /// The newest mail to an address; `None` if there is none yet or nobody answers.
    pub async fn mail(&self, to: &str) -> Option<String> {
        let answer = self.api.get(&format!("/dev/messages?to={to}&wait={MAIL_WAIT}")).try_send().await.ok()?;
        let answer = self.judged(answer, &[200])?;
        answer.json().pointer("/0/body").and_then(Value::as_str).map(str::to_owned)
    }

    /// Sends a request and notes what came of it, with what its answer says.
    pub(super) async fn send(&self, key: &str, operation: Operation, asked: Asked) -> (Outcome, Option<Answer>) {
        let says = match operation {
            Operation::SignIn { .. } => session_number,
            Operation::Compare => attempts,
            _ => nothing,
        };
        let begun = self.history.begin(key, operation);
        if self.fuse.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.fuse.burnt.notify_one();
        }
        let since = self.history.elapsed();
        let answer = asked.call.try_send().await.ok();
        let took = self.history.elapsed().saturating_sub(since);
        assert!(took < LONGEST, "{key}: it took {took:?}: {answer:?}");
        let expected = [asked.done, asked.refused].concat();
        let answer = answer.and_then(|answer| self.judged(answer, &expected));
        let outcome = match &answer {
            None => Outcome::Unknown,
            Some(answer) if asked.done.contains(&answer.status.as_u16()) => Outcome::Done,
            Some(_) => Outcome::Refused,
        };
        let said = answer.as_ref().map(says).unwrap_or_default();
        begun.end(outcome, &said);
        (outcome, answer)
    }

    /// An answer that means something.
    fn judged(&self, answer: Answer, expected: &[u16]) -> Option<Answer> {
        let status = answer.status.as_u16();
        if expected.contains(&status) {
            return Some(answer);
        }
        assert!(self.excused.contains(&status), "none of {expected:?}: {answer:?}");
        assert!(status != 503 || !answer.header("retry-after").is_empty(), "when to come again: {answer:?}");
        None
    }
}

const fn nothing(_: &Answer) -> String {
    String::new()
}

fn session_number(answer: &Answer) -> String {
    if answer.status == 201 { opened(answer).name() } else { String::new() }
}

/// How many attempts are counted, where a wrong code was compared.
fn attempts(answer: &Answer) -> String {
    if answer.status == 422 { answer.json()["data"]["attempts"].to_string() } else { String::new() }
}

fn opened(answer: &Answer) -> Opened {
    let number = answer.json()["id"].as_i64().expect("a number");
    Opened { number, token: answer.header("x-session-token").to_owned() }
}
