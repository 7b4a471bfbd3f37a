//! A back end of the dev profile, and what it usually says.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tessera_journeys::{Answer, Api, Call, Value, eventually, json};
use totp_rs::{Builder, Secret};

/// A back end with a token.
pub struct Shop<'a> {
    pub api: &'a Api,
    pub token: String,
}

impl<'a> Shop<'a> {
    /// The client of the dev profile, with a token of that scope.
    pub async fn of(api: &'a Api, scope: &str) -> Self {
        let form = [("grant_type", "client_credentials"), ("scope", scope)];
        let token = api.post("/oauth2/token").basic("tessera-dev", "tessera-dev-secret").form(&form).send().await;
        let token = token.expect(200).json()["access_token"].as_str().expect("a token").to_owned();
        Self { api, token }
    }

    /// With the headers that each request needs.
    pub fn with_headers(&self, call: Call) -> Call {
        call.header("accept", "application/json").bearer(&self.token)
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.with_headers(self.api.post(path)).json(body).send().await
    }

    pub async fn validate(&self, method: &str, id: &str, code: &str) -> Answer {
        self.post(&format!("/methods/{method}/verifiers/{id}/actions/validate"), &json!({ "code": code })).await
    }

    pub async fn initiate(&self, method: &str, body: &Value) -> Answer {
        self.post(&format!("/methods/{method}/actions/initiate"), body).await
    }

    pub async fn get(&self, method: &str, id: &str) -> Answer {
        self.with_headers(self.api.get(&format!("/methods/{method}/verifiers/{id}"))).send().await
    }

    /// The codes of the messages to somebody, the newest first, once there are so many.
    pub async fn codes(&self, to: &str, number: usize) -> Vec<String> {
        let path = format!("/dev/messages?to={}&wait=20", to.replace('+', "%2B"));
        eventually("messages", Duration::from_secs(30), async || {
            let caught = self.api.get(&path).send().await.expect(200).json();
            let bodies = caught.as_array()?.iter().filter_map(|message| message["body"].as_str());
            let codes: Vec<String> = bodies.filter_map(|body| body.split(':').nth(1)).map(str::to_owned).collect();
            (codes.len() == number).then_some(codes)
        })
        .await
    }
}

pub fn id_of(answer: &Value) -> String {
    answer["verificationId"].as_str().expect("an id").to_owned()
}

pub fn by_message(consumer: &str) -> Value {
    json!({
        "consumer": consumer,
        "template": { "body": "code:{{{CODE}}}:" },
        "generateCode": { "length": 6, "symbolSet": ["DIGITS"] },
        "policy": { "expiredOn": "01:00:00" },
        "payload": { "z": 1, "a": [2] },
    })
}

/// A code that is not `code`.
pub fn other_than(code: &str) -> &'static str {
    if code == "000000" { "000001" } else { "000000" }
}

/// What an app shows that has scanned a link, and what it shows next.
#[expect(clippy::disallowed_methods, reason = "the programs tell the time of this machine")]
pub fn shown(uri: &str) -> [String; 2] {
    let secret = uri.split(['=', '&']).nth(1).expect("a secret");
    let app = Builder::new().with_secret(Secret::try_from_base32(secret).expect("base32")).build().expect("an app");
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
    [0, 30].map(|later| app.generate(now.as_secs() + later).to_string())
}
