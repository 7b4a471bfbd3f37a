//! A tenant to speak as, and what it usually says.

use tessera_contracts::sibling::Sibling;
use tessera_contracts::verify::{ServesSiblings as _, VerifyApi};
use tessera_testkit::{Answer, Call, Method, TestApp, Value, json};
use tessera_tokens::access_token::{AccessClaims, OneOrMany, TYP};
use tessera_tokens::jwk::Algorithm;

/// A tenant of a running platform.
#[derive(Clone, Copy)]
pub struct Tenant<'a> {
    pub app: &'a TestApp,
    pub client: &'static str,
    pub scope: &'static str,
    pub method: &'static str,
}

impl<'a> Tenant<'a> {
    /// A tenant that may do everything.
    pub fn of(app: &'a TestApp) -> Self {
        Self { app, client: "shop", scope: "verify verify:forced_code", method: "email" }
    }

    /// The same tenant, by another method.
    pub fn by(self, method: &'static str) -> Self {
        Self { method, ..self }
    }

    /// What its access token says.
    pub fn claims(&self) -> AccessClaims {
        let now = self.app.clock.now().timestamp();
        AccessClaims {
            iss: format!("{}/oauth2", self.app.origin),
            sub: self.client.to_owned(),
            aud: OneOrMany::One(format!("{}/methods", self.app.origin)),
            client_id: self.client.to_owned(),
            scope: self.scope.to_owned(),
            iat: now,
            exp: now + 300,
            jti: "any".to_owned(),
            sid: None,
            auth_time: None,
        }
    }

    /// Its access token.
    pub fn token(&self) -> String {
        signed(self.app, TYP, &self.claims())
    }

    /// A request with everything that each needs.
    pub fn call(&self, verb: Method, path: &str) -> Call {
        self.app.request(verb, path).header("accept", "application/json").bearer(&self.token())
    }

    pub async fn initiate(&self, body: &Value) -> Answer {
        self.call(Method::POST, &format!("/methods/{}/actions/initiate", self.method)).json(body).send().await
    }

    /// Starts a verification and answers its id and the code that was mailed.
    pub async fn started(&self, body: &Value) -> (String, String) {
        let consumer = text(&body["consumer"]);
        let before = newest(self.app, &consumer).await;
        let answer = self.initiate(body).await.expect(200).json();
        (text(&answer["verificationId"]), mailed_after(self.app, &consumer, &before).await)
    }

    pub async fn resend(&self, body: &Value) -> Answer {
        self.call(Method::POST, &format!("/methods/{}/actions/resend", self.method)).json(body).send().await
    }

    pub async fn validate(&self, id: &str, body: &Value) -> Answer {
        let path = format!("{}/actions/validate", self.verifier(id));
        self.call(Method::POST, &path).json(body).send().await
    }

    pub async fn get(&self, id: &str) -> Answer {
        self.call(Method::GET, &self.verifier(id)).send().await
    }

    pub async fn delete(&self, id: &str) -> Answer {
        self.call(Method::DELETE, &self.verifier(id)).send().await
    }

    fn verifier(&self, id: &str) -> String {
        format!("/methods/{}/verifiers/{id}", self.method)
    }
}

/// verify, as auth calls it.
pub fn as_auth(app: &TestApp) -> impl VerifyApi + use<> {
    app.platform.verify().for_sibling(Sibling::Auth)
}

/// A token of some kind that oauth signed.
pub fn signed(app: &TestApp, typ: &str, claims: &AccessClaims) -> String {
    app.platform.oauth().signing_keys().sign(Algorithm::EdDSA, typ, None, claims).expect("signed")
}

/// A request whose message is the code alone.
pub fn by_mail(consumer: &str) -> Value {
    json!({
        "consumer": consumer,
        "template": { "body": "{{{CODE}}}" },
        "generateCode": { "length": 6, "symbolSet": ["DIGITS"] },
        "policy": { "expiredOn": "01:00:00" },
    })
}

/// The request with one member, by its dotted path, set to something else.
pub fn with(mut body: Value, path: &str, value: Value) -> Value {
    *member(&mut body, path) = value;
    body
}

/// The request without one member.
pub fn without(mut body: Value, path: &str) -> Value {
    let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
    let parent = if parent.is_empty() { &mut body } else { member(&mut body, parent) };
    parent.as_object_mut().expect("an object").remove(name);
    body
}

fn member<'a>(body: &'a mut Value, path: &str) -> &'a mut Value {
    path.split('.').fold(body, |value, name| &mut value[name])
}

/// A code that is not `code`.
pub fn other_than(code: &str) -> String {
    code.chars().map(|digit| if digit == '0' { '1' } else { '0' }).collect()
}

/// Every mail to an address, newest first; waits for the first.
pub async fn mails(app: &TestApp, to: &str) -> Vec<Value> {
    caught(app, &format!("to={to}&wait=20")).await
}

/// The body of the only mail to an address.
pub async fn mailed(app: &TestApp, to: &str) -> String {
    let mails = mails(app, to).await;
    assert_eq!(mails.len(), 1, "{mails:?}");
    text(&mails[0]["body"])
}

/// The id of the newest mail to an address, empty if there is none.
pub async fn newest(app: &TestApp, to: &str) -> String {
    caught(app, &format!("to={to}")).await.first().map(|mail| text(&mail["id"])).unwrap_or_default()
}

/// The body of the mail that comes after another to the same address.
pub async fn mailed_after(app: &TestApp, to: &str, before: &str) -> String {
    text(&caught(app, &format!("to={to}&after={before}&wait=20")).await[0]["body"])
}

async fn caught(app: &TestApp, query: &str) -> Vec<Value> {
    // A number begins with a plus, which in a query is a blank.
    let answer = app.get(&format!("/dev/messages?{}", query.replace('+', "%2B"))).send().await.expect(200);
    answer.json().as_array().expect("an array").clone()
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("a text: {value}")).to_owned()
}
