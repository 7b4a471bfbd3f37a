//! A browser: it signs in, mints tokens, ends the session, and begins again.

use rand::RngExt as _;
use rand::rngs::StdRng;
use tessera_testkit::json;

use super::Until;
use super::account::Account;
use super::caller::{Asked, Caller};
use super::person::known;
use crate::history::{Operation, Outcome};

/// Where somebody is signed in: the client's cookie and the session.
#[derive(Clone, Debug)]
pub struct SignedIn {
    /// The cookie.
    pub cookie: String,
    /// The session, by which the history knows it.
    pub session: String,
    /// The tokens that were minted in it.
    pub minted: Vec<String>,
}

/// One browser.
#[derive(Debug)]
pub struct Browser<'a> {
    caller: Caller<'a>,
    random: StdRng,
    email: String,
    opened: Vec<SignedIn>,
}

impl<'a> Browser<'a> {
    /// One of somebody without an account yet.
    #[must_use]
    pub const fn new(caller: Caller<'a>, random: StdRng, email: String) -> Self {
        Self { caller, random, email, opened: Vec::new() }
    }

    /// Lets it work. Answers where it was signed in.
    pub async fn run(mut self, until: Until<'_>) -> Vec<SignedIn> {
        let mut has_account = None;
        let mut goes_on = true;
        while goes_on {
            let step = if has_account.is_none() {
                has_account = known(self.caller.sign_up(&self.email, 0).await);
                has_account
            } else {
                self.visit().await
            };
            goes_on = until.goes_on(step).await;
        }
        self.opened
    }

    /// One sign-in, with what follows.
    async fn visit(&mut self) -> Option<()> {
        self.opened.push(self.caller.log_in(&self.email).await?);
        let signed_in = self.opened.last_mut()?;
        for _ in 0..self.random.random_range(1..6) {
            known(self.caller.mint(signed_in).await)?;
        }
        if self.random.random_bool(0.7) {
            known(self.caller.end(signed_in).await)?;
            known(self.caller.mint(signed_in).await)?;
        }
        Some(())
    }
}

impl Caller<'_> {
    /// Signs a new browser in with the password 0; with its session if that is known.
    pub async fn log_in(&self, email: &str) -> Option<SignedIn> {
        let body = json!({ "username": email, "password": Account::password(0) });
        let call = self.api.post("/auth/login").json(&body);
        let asked = Asked { call, done: &[200], refused: &[401] };
        let (outcome, answer) = self.send(email, Operation::SignIn { password: 0 }, asked).await;
        let cookie = answer.filter(|_| outcome == Outcome::Done)?.set_cookie("__client").expect("a cookie");
        let asked = Asked { call: self.api.get("/v1/client").cookie(&cookie), done: &[200], refused: &[401] };
        let (_, answer) = self.send(&cookie, Operation::Use, asked).await;
        let client = answer?.json();
        let session = client["response"]["last_active_session_id"].as_str();
        let session = session.unwrap_or_else(|| panic!("an acknowledged sign-in has no session: {client}"));
        Some(SignedIn { session: session.to_owned(), cookie, minted: Vec::new() })
    }

    /// Mints a session token.
    pub async fn mint(&self, signed_in: &mut SignedIn) -> Outcome {
        let path = format!("/v1/client/sessions/{}/tokens", signed_in.session);
        let asked = Asked { call: self.api.post(&path).cookie(&signed_in.cookie), done: &[200], refused: &[401] };
        let (outcome, answer) = self.send(&signed_in.session, Operation::Use, asked).await;
        if let Some(answer) = answer.filter(|_| outcome == Outcome::Done) {
            signed_in.minted.push(answer.json()["jwt"].as_str().expect("a token").to_owned());
        }
        outcome
    }

    /// Ends the session.
    pub async fn end(&self, signed_in: &SignedIn) -> Outcome {
        let path = format!("/v1/client/sessions/{}/end", signed_in.session);
        let asked = Asked { call: self.api.post(&path).cookie(&signed_in.cookie), done: &[200], refused: &[401] };
        self.send(&signed_in.session, Operation::Revoke, asked).await.0
    }
}
