//! What is never logged (`docs/logging.md`), at any level, over the whole journey. Alone in its binary: logging is set up once for a
//! process.

#![cfg(test)]

use tessera_common::telemetry::{self, LogFormat, LogSettings, TelemetrySettings};
use tessera_testkit::{Call, Captured, Engine, TestApp, Value, json};

const EMAIL: &str = "planted-address@example.org";
const PASSWORD: &str = "Planted-Password-1";
const OTHER: &str = "Planted-Password-2";
const WRONG: &str = "Planted-Wrong-Secret-3";
const STRANGER: &str = "planted-stranger@example.org";
const CONSUMER: &str = "planted-consumer@example.org";
/// The dev client and its secret, as `Authorization` has them.
const BASIC: &str = "dGVzc2VyYS1kZXY6dGVzc2VyYS1kZXYtc2VjcmV0";
const CODE: &str = "739518264";
const WRONG_CODE: &str = "162849735";

/// What the journey has planted, and the requests that it made.
struct Journey {
    app: TestApp,
    planted: Vec<String>,
    routes: Vec<&'static str>,
}

impl Journey {
    fn plants(&mut self, secret: &str) {
        assert!(secret.len() >= 6, "{secret} might be in a log by chance");
        self.planted.push(secret.to_owned());
    }

    /// A token that is a JWT is not to be there in part either: without its signature it still tells whose it is.
    fn plants_jwt(&mut self, jwt: &Value) {
        for part in jwt.as_str().expect("a token").split('.').skip(1) {
            self.plants(part);
        }
    }

    fn post(&mut self, path: &'static str) -> Call {
        self.routes.push(path);
        self.app.post(path)
    }

    fn get(&mut self, path: &'static str, query: &str) -> Call {
        self.routes.push(path);
        self.app.get(&format!("{path}{query}"))
    }
}

/// Accounts API: sign-up, the mailed link, sign-in, a change of the password, and what goes wrong on the way.
async fn by_the_accounts_api(journey: &mut Journey) {
    let account = json!({ "email": EMAIL, "password": PASSWORD });
    let _ = journey.post("/sign_up").json(&account).send().await.expect(201);
    let _ = journey.post("/sign_up").json(&account).send().await.expect(422);
    let wrong = json!({ "email": EMAIL, "password": WRONG });
    let _ = journey.post("/sign_in").json(&wrong).send().await.expect(401);
    let stranger = [("email", STRANGER), ("password", WRONG)];
    let _ = journey.post("/sign_in").form(&stranger).send().await.expect(401);
    for malformed in [
        format!("{{\"password\": \"{WRONG}\""),
        format!("{{\"password\": {{\"{WRONG}\": 1}}}}"),
        format!("{{\"email\": [\"{STRANGER}\"]}}"),
    ] {
        let _ = journey.post("/sign_in").body("application/json", malformed).send().await.expect(400);
    }

    let messages = journey.get("/dev/messages", &format!("?to={EMAIL}&wait=20")).send().await.expect(200).json();
    let body = messages[0]["body"].as_str().expect("a mail").to_owned();
    let token = body.split("token=").nth(1).expect("a link").split(['"', '<', ' ', '\n']).next().expect("a token");
    let link = "/identity/email_verification";
    let _ = journey.get(link, &format!("?token={token}&email={EMAIL}")).send().await.expect(204);
    let _ = journey.get(link, &format!("?token={WRONG}")).send().await.expect(400);
    journey.plants(token.split('.').nth(1).expect("a code"));

    let session = journey.post("/sign_in").json(&account).send().await.expect(201);
    let session = session.header("x-session-token").to_owned();
    let change = json!({ "current_password": PASSWORD, "password": OTHER });
    journey.routes.push("/password");
    let _ = journey.app.put("/password").bearer(&session).json(&change).send().await.expect(200);
    for (token, status) in [(session.as_str(), 200), (WRONG, 401)] {
        let _ = journey.get("/sessions", "").bearer(token).send().await.expect(status);
    }
    journey.plants(&session);
}

/// The browser: its cookie, and the tokens that are made from it.
async fn by_browser(journey: &mut Journey) {
    let login = json!({ "username": EMAIL, "password": OTHER });
    let login = journey.post("/auth/login").json(&login).send().await.expect(200);
    let cookie = login.set_cookie("__client").expect("a cookie");
    let client = journey.get("/v1/client", "").cookie(&cookie).send().await.expect(200).json();
    let id = client["response"]["last_active_session_id"].as_str().expect("a session").to_owned();
    let minted = journey.app.post(&format!("/v1/client/sessions/{id}/tokens")).cookie(&cookie).send().await.expect(200);
    let _ = journey.get("/v1/client", &format!("?_is_native=1&x={WRONG}")).bearer(WRONG).send().await.expect(200);
    journey.plants_jwt(&client["response"]["sessions"][0]["last_active_token"]["jwt"]);
    journey.plants_jwt(&minted.json()["jwt"]);
    journey.plants_jwt(&login.json()["accessToken"]);
    journey.plants(&cookie);
}

/// A tenant: its secret, its token, and the code that it has sent.
async fn by_tenant(journey: &mut Journey) {
    let form = [("grant_type", "client_credentials"), ("scope", "verify verify:forced_code")];
    let token = "/oauth2/token";
    let issued = journey.post(token).basic("tessera-dev", "tessera-dev-secret").form(&form).send().await.expect(200);
    let _ = journey.post(token).basic("tessera-dev", WRONG).form(&form).send().await.expect(401);
    let twice = [("client_secret", WRONG), ("client_secret", WRONG)];
    let _ = journey.post(token).form(&twice).send().await.expect(400);
    let access_token = issued.json()["access_token"].clone();
    let bearer = access_token.as_str().expect("a token").to_owned();
    journey.plants_jwt(&access_token);
    journey.plants("tessera-dev-secret");
    journey.plants(BASIC);

    let initiate = json!({
        "consumer": CONSUMER,
        "template": { "body": "{{{CODE}}}" },
        "policy": { "expiredOn": "01:00:00", "forcedCode": CODE },
    });
    journey.routes.push("/methods/{method}/actions/initiate");
    let call = journey.app.post("/methods/email/actions/initiate").header("accept", "application/json").bearer(&bearer);
    let id = call.json(&initiate).send().await.expect(200).json()["verificationId"].as_str().expect("an id").to_owned();
    let _ = journey.get("/dev/messages", &format!("?to={CONSUMER}&wait=20")).send().await.expect(200);
    for (code, status) in [(WRONG_CODE, 422), (CODE, 200)] {
        let path = format!("/methods/email/verifiers/{id}/actions/validate");
        let call = journey.app.post(&path).header("accept", "application/json").bearer(&bearer);
        let _ = call.json(&json!({ "code": code })).send().await.expect(status);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_and_no_address_is_in_the_log_of_the_journey() {
    let captured = Captured::default();
    // The client runs in this process too, and what it logs is not the platform's.
    let level = "trace,hyper=off,hyper_util=off,reqwest=off,h2=off,mio=off".to_owned();
    let log = LogSettings { format: LogFormat::Json, level };
    let nothing_sent = TelemetrySettings::default();
    let _telemetry = telemetry::init(&log, &nothing_sent, None, "test", captured.sink()).expect("logging");
    let app = TestApp::start(Engine::Sqlite).await;
    let mut journey = Journey { app, planted: Vec::new(), routes: Vec::new() };
    for secret in [EMAIL, STRANGER, CONSUMER, PASSWORD, OTHER, WRONG, CODE, WRONG_CODE, "$argon2id$", "PRIVATE KEY"] {
        journey.plants(secret);
    }
    by_the_accounts_api(&mut journey).await;
    by_browser(&mut journey).await;
    by_tenant(&mut journey).await;

    let log = captured.text();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect();
    for route in &journey.routes {
        let is_its = |line: &Value| line.to_string().contains(&format!("\"http.route\":\"{route}\""));
        assert!(lines.iter().any(is_its), "nothing was logged of {route}");
    }
    // Statements are logged at this level: so everything was.
    for what in ["insert into password_credentials", "insert into sessions", "durable_calls", "\"level\":\"TRACE\""] {
        assert!(log.contains(what), "{what} is not in the log");
    }
    let leak = |secret: &String| log.lines().find(|line| line.contains(secret)).map(|line| format!("{secret}: {line}"));
    let leaks: Vec<String> = journey.planted.iter().filter_map(leak).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
}
