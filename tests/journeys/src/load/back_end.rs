//! A back end: it gets tokens of its own and lets people prove their addresses, with wrong codes before the right one.

use rand::RngExt as _;
use rand::rngs::StdRng;
use tessera_testkit::{Call, json};

use super::Until;
use super::caller::{Asked, Caller};
use super::person::known;
use crate::history::{Operation, Outcome};

/// How the history knows the client that gets tokens.
pub const CLIENT: &str = "tessera-dev";
/// Wrong codes after which a verification is dead.
const CAP: u32 = 5;

/// What a back end was given.
#[derive(Clone, Debug, Default)]
pub struct Codes {
    /// Its access tokens.
    pub tokens: Vec<String>,
    /// Its verifications, with their addresses.
    pub verifications: Vec<(String, String)>,
}

/// One back end.
#[derive(Debug)]
pub struct BackEnd<'a> {
    caller: Caller<'a>,
    random: StdRng,
    name: String,
    codes: Codes,
}

impl<'a> BackEnd<'a> {
    /// One whose people's addresses begin so.
    #[must_use]
    pub fn new(caller: Caller<'a>, random: StdRng, name: String) -> Self {
        Self { caller, random, name, codes: Codes::default() }
    }

    /// Lets it work. Answers what it was given.
    pub async fn run(mut self, until: Until<'_>) -> Codes {
        let mut goes_on = true;
        while goes_on {
            let step = self.verify_somebody().await;
            goes_on = until.goes_on(step).await;
        }
        self.codes
    }

    async fn verify_somebody(&mut self) -> Option<()> {
        let token = self.caller.tenant_token().await?;
        self.codes.tokens.push(token.clone());
        let consumer = format!("{}-{}@example.org", self.name, self.codes.tokens.len());
        let id = self.caller.initiate(&token, &consumer).await?;
        self.codes.verifications.push((id.clone(), consumer.clone()));
        let code = self.caller.code(&consumer).await?;
        for _ in 0..self.random.random_range(0..=CAP + 1) {
            known(self.caller.guess(&token, &id, &code).await)?;
        }
        known(self.caller.spend(&token, &id, &code).await)
    }
}

impl Caller<'_> {
    /// A new access token.
    pub async fn tenant_token(&self) -> Option<String> {
        let form = [("grant_type", "client_credentials"), ("scope", "verify")];
        let call = self.api.post("/oauth2/token").basic(CLIENT, "tessera-dev-secret").form(&form);
        let (outcome, answer) =
            self.send(CLIENT, Operation::Use, Asked { call, done: &[200], refused: &[400, 401] }).await;
        let answer = answer.filter(|_| outcome == Outcome::Done)?;
        Some(answer.json()["access_token"].as_str().expect("a token").to_owned())
    }

    /// Starts a verification. The token is what the history notes as used.
    pub async fn initiate(&self, token: &str, consumer: &str) -> Option<String> {
        let body = json!({
            "consumer": consumer,
            "template": { "body": "code:{{{CODE}}}:" },
            "generateCode": { "length": 6, "symbolSet": ["DIGITS"] },
            "policy": { "expiredOn": "01:00:00" },
        });
        let call = accepting(self.api.post("/methods/email/actions/initiate"), token).json(&body);
        let (outcome, answer) =
            self.send(&key_of(token), Operation::Use, Asked { call, done: &[200], refused: &[401] }).await;
        let answer = answer.filter(|_| outcome == Outcome::Done)?;
        Some(answer.json()["verificationId"].as_str().expect("an id").to_owned())
    }

    /// The code that was mailed.
    pub async fn code(&self, consumer: &str) -> Option<String> {
        let body = self.mail(consumer).await?;
        Some(body.split(':').nth(1).expect("a code").to_owned())
    }

    /// Looks at a verification, to use the token; it may be gone.
    pub async fn look(&self, token: &str, id: &str) -> Outcome {
        let call = accepting(self.api.get(&format!("/methods/email/verifiers/{id}")), token);
        self.send(&key_of(token), Operation::Use, Asked { call, done: &[200, 404], refused: &[401] }).await.0
    }

    /// Presents a wrong code.
    pub async fn guess(&self, token: &str, id: &str, right: &str) -> Outcome {
        let wrong = if right == "000000" { "000001" } else { "000000" };
        let asked = Asked { call: self.validation(token, id, wrong), done: &[], refused: &[404, 422] };
        self.send(id, Operation::Compare, asked).await.0
    }

    /// Presents the right code.
    pub async fn spend(&self, token: &str, id: &str, code: &str) -> Outcome {
        let asked = Asked { call: self.validation(token, id, code), done: &[200], refused: &[404] };
        self.send(id, Operation::Spend, asked).await.0
    }

    fn validation(&self, token: &str, id: &str, code: &str) -> Call {
        let path = format!("/methods/email/verifiers/{id}/actions/validate");
        accepting(self.api.post(&path), token).json(&json!({ "code": code }))
    }
}

fn accepting(call: Call, token: &str) -> Call {
    call.header("accept", "application/json").bearer(token)
}

/// How the history knows a token: by the end of its signature.
fn key_of(token: &str) -> String {
    format!("token …{}", &token[token.len().saturating_sub(16)..])
}
