//! What is never logged (`docs/logging.md`), at any level, over the whole journey. Alone in its binary: logging is set up once for a
//! process.

#![cfg(test)]

use std::time::Duration;

use tessera_common::telemetry::{self, LogFormat, LogSettings, TelemetrySettings};
use tessera_testkit::{Call, Captured, Engine, MailBehaviour, MailServer, TestApp, Value, json};
use totp_rs::{Builder, Secret};

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
const PHONE: &str = "+4915198765432";
const OTHER_PHONE: &str = "+4915198765433";
const MAIL_PASSWORD: &str = "Planted-Mail-Password";

/// What the journey has planted, and the requests that it made.
struct Journey {
    app: TestApp,
    log: Captured,
    planted: Vec<String>,
    /// Numbers that are so short that a longer one may hold them.
    planted_digits: Vec<String>,
    routes: Vec<&'static str>,
    /// The access token of the tenant.
    tenant: String,
}

impl Journey {
    fn plants(&mut self, secret: &str) {
        assert!(secret.len() >= 6, "{secret} might be in a log by chance");
        self.planted.push(secret.to_owned());
    }

    fn plants_digits(&mut self, secret: &str) {
        self.planted_digits.push(secret.to_owned());
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

    async fn as_tenant(&mut self, route: &'static str, path: &str, body: &Value, status: u16) -> Value {
        self.routes.push(route);
        let call = self.app.post(path).header("accept", "application/json").bearer(&self.tenant);
        call.json(body).send().await.expect(status).json()
    }

    async fn act(&mut self, method: &str, action: &str, body: &Value, status: u16) -> Value {
        let route = match action {
            "initiate" => "/methods/{method}/actions/initiate",
            "resend" => "/methods/{method}/actions/resend",
            "status" => "/methods/{method}/actions/status",
            _ => "/methods/{method}/actions/remove",
        };
        self.as_tenant(route, &format!("/methods/{method}/actions/{action}"), body, status).await
    }

    /// Starts a verification, and answers its id.
    async fn begin(&mut self, method: &str, body: &Value) -> String {
        let said = self.act(method, "initiate", body, 200).await;
        said["verificationId"].as_str().expect("an id").to_owned()
    }

    async fn answer(&mut self, method: &str, id: &str, body: &Value, status: u16) {
        let route = "/methods/{method}/verifiers/{verification_id}/actions/validate";
        let _ =
            self.as_tenant(route, &format!("/methods/{method}/verifiers/{id}/actions/validate"), body, status).await;
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

    journey.tenant = bearer;

    let initiate = json!({
        "consumer": CONSUMER,
        "template": { "body": "{{{CODE}}}" },
        "policy": { "expiredOn": "01:00:00", "forcedCode": CODE },
    });
    let id = journey.begin("email", &initiate).await;
    let _ = journey.get("/dev/messages", &format!("?to={CONSUMER}&wait=20")).send().await.expect(200);
    for (id, code, status) in [(&*id, WRONG_CODE, 422), (&*id, CODE, 200), (WRONG, CODE, 404)] {
        journey.answer("email", id, &json!({ "code": code }), status).await;
    }
}

/// A tenant's text messages: sent, sent again, and refused, for there were too many.
async fn by_telephone(journey: &mut Journey) {
    let mut message = json!({
        "consumer": PHONE,
        "template": { "body": "{{{CODE}}}" },
        "generateCode": { "length": 12, "symbolSet": ["alphas"] },
        "policy": { "expiredOn": "01:00:00" },
    });
    let id = journey.begin("phone", &message).await;
    message["policy"] = json!({ "expiredOn": "02:00:00", "forcedVerificationId": id });
    journey.act("phone", "resend", &message, 200).await;
    message["consumer"] = json!(OTHER_PHONE);
    message["policy"] = json!({ "expiredOn": "01:00:00" });
    journey.act("phone", "initiate", &message, 429).await;
    let to = PHONE.replace('+', "%2B");
    let messages = journey.get("/dev/messages", &format!("?to={to}&wait=20")).send().await.expect(200).json();
    let code = messages[0]["body"].as_str().expect("a code").to_owned();
    journey.answer("phone", &id, &json!({ "code": code }), 200).await;
    journey.plants(&code);
}

/// What a tenant's consumer has for itself: an app and its secret, codes on paper.
async fn by_factors(journey: &mut Journey) {
    let consumer = json!({ "consumer": CONSUMER, "issuer": "Shop", "policy": { "expiredOn": "01:00:00" } });
    let said = journey.act("google_auth", "initiate", &consumer, 200).await;
    let uri = said["totpUri"].as_str().expect("a link").to_owned();
    let secret = uri.split("secret=").nth(1).and_then(|rest| rest.split('&').next()).expect("a secret").to_owned();
    let app = Builder::new().with_secret(Secret::try_from_base32(&secret).expect("base32")).build().expect("an app");
    let code = app.generate(u64::try_from(journey.app.clock.now().timestamp()).expect("a time")).to_string();
    let id = said["verificationId"].as_str().expect("an id");
    for (code, status) in [(WRONG, 422), (&*code, 200)] {
        journey.answer("google_auth", id, &json!({ "code": code }), status).await;
    }
    journey.plants(&secret);
    journey.plants_digits(&code);

    let said = journey.act("backup_code", "initiate", &consumer, 200).await;
    let codes: Vec<String> = serde_json::from_value(said["backupCodes"].clone()).expect("codes");
    let id = said["verificationId"].as_str().expect("an id");
    for (code, status) in [(WRONG, 422), (&*codes[0], 200)] {
        journey.answer("backup_code", id, &json!({ "code": code }), status).await;
    }
    codes.iter().for_each(|code| journey.plants(code));
    for method in ["google_auth", "backup_code"] {
        for action in ["status", "remove"] {
            journey.act(method, action, &json!({ "consumer": CONSUMER }), 200).await;
        }
    }
}

/// A mail server that does not let us in, and repeats what it was told.
async fn by_mail_server(journey: &mut Journey) {
    let refused = MailBehaviour::Says("AUTH", "535 Planted-Mail-Password is not it");
    let server = MailServer::offering(refused, &["AUTH PLAIN"], None).await;
    let url = server.url.replace("://", &format!("://mailer:{MAIL_PASSWORD}@"));
    let app = TestApp::start_with(Engine::Sqlite, &[("TESSERA_VERIFY_SMTP_URL", &url)]).await;
    let account = json!({ "email": EMAIL, "password": PASSWORD });
    let _ = app.post("/sign_up").json(&account).send().await.expect(201);
    server.hears("AUTH").await;
    let told = server.heard().into_iter().find_map(|heard| heard.line.strip_prefix("AUTH PLAIN ").map(str::to_owned));
    journey.plants(&told.expect("who we say we are"));
    let told = async {
        while !journey.log.text().contains("the mail server answers 535") {
            app.platform.verify().deliver_due().await.expect("the queue can be read");
        }
    };
    tokio::time::timeout(Duration::from_secs(30), told).await.expect("that the mail waits is logged");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_and_no_address_is_in_the_log_of_the_journey() {
    let captured = Captured::default();
    // The client runs in this process too, and what it logs is not the platform's.
    let level = "trace,hyper=off,hyper_util=off,reqwest=off,h2=off,mio=off".to_owned();
    let log = LogSettings { format: LogFormat::Json, level };
    let nothing_sent = TelemetrySettings::default();
    let _telemetry = telemetry::init(&log, &nothing_sent, None, "test", captured.sink()).expect("logging");
    let app = TestApp::start_with(Engine::Sqlite, &[("TESSERA_VERIFY_SMS_TENANT_BUDGET", "2")]).await;
    let mut journey = Journey {
        app,
        log: captured.clone(),
        planted: Vec::new(),
        planted_digits: Vec::new(),
        routes: Vec::new(),
        tenant: String::new(),
    };
    let numbers = [&PHONE[1..], &OTHER_PHONE[1..]];
    let texts = [EMAIL, STRANGER, CONSUMER, PASSWORD, OTHER, WRONG, CODE, WRONG_CODE, MAIL_PASSWORD];
    for secret in texts.into_iter().chain(numbers).chain(["$argon2id$", "PRIVATE KEY"]) {
        journey.plants(secret);
    }
    by_the_accounts_api(&mut journey).await;
    by_browser(&mut journey).await;
    by_tenant(&mut journey).await;
    by_telephone(&mut journey).await;
    by_factors(&mut journey).await;
    by_mail_server(&mut journey).await;

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
    let exhausted =
        lines.iter().find(|line| line.to_string().contains("sms.budget_exhausted")).expect("a line to alert on");
    for field in [
        "\"verify.tenant\":\"client:tessera-dev\"",
        "\"prefix\":\"+49\"",
        "\"budget\":\"sms tenant\"",
        "\"level\":\"WARN\"",
    ] {
        assert!(exhausted.to_string().contains(field), "{field} in {exhausted}");
    }
    let leak = |secret: &String| log.lines().find(|line| line.contains(secret)).map(|line| format!("{secret}: {line}"));
    let leaks: Vec<String> = journey.planted.iter().filter_map(leak).collect();
    assert!(leaks.is_empty(), "{leaks:#?}");
    // A line feed is written as \n.
    let log = log.replace("\\n", " ");
    for code in &journey.planted_digits {
        // Digits of a longer word, or behind a point, are somebody else's.
        let stands_alone = |(at, _): (usize, &str)| {
            let goes_on = |symbol: Option<char>| symbol.is_some_and(|symbol| symbol.is_ascii_alphanumeric());
            let (before, after) = (log[..at].chars().next_back(), log[at + code.len()..].chars().next());
            !goes_on(before) && before != Some('.') && !goes_on(after)
        };
        assert!(!log.match_indices(code.as_str()).any(stands_alone), "{code}");
    }
}
