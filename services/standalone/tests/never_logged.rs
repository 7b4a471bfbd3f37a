//! What is never logged (`docs/logging.md`), at any level, over the whole journey. Alone in its binary: logging is set up once for a
//! process.

#![cfg(test)]

use std::io::Write;
use std::sync::{Arc, Mutex};

use tessera_common::telemetry::{self, LogFormat, LogSettings, OtlpEndpoint, SampleRatio, TelemetrySettings};
use tessera_testkit::{Engine, TestApp, json};
use tracing_subscriber::fmt::MakeWriter;

const EMAIL: &str = "planted-address@example.org";
const PASSWORD: &str = "Planted-Password-1";
const OTHER: &str = "Planted-Password-2";
const WRONG: &str = "Planted-Wrong-Password-3";

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("the buffer").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Captured {
    type Writer = Self;

    fn make_writer(&'w self) -> Self {
        self.clone()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_and_no_address_is_in_the_log_of_the_journey() {
    let captured = Captured::default();
    // The client runs in this process too, and what it logs is not the platform's.
    let level = "trace,hyper=off,hyper_util=off,reqwest=off,h2=off,mio=off".to_owned();
    let log = LogSettings { format: LogFormat::Json, level };
    let nothing_sent = TelemetrySettings {
        otlp_endpoint: OtlpEndpoint::default(),
        service_name: String::new(),
        sample_ratio: SampleRatio::ALL,
    };
    let _telemetry = telemetry::init(&log, &nothing_sent, None, "test", captured.clone()).expect("logging");
    let app = TestApp::start(Engine::Sqlite).await;

    let mut planted = vec![EMAIL.to_owned(), PASSWORD.to_owned(), OTHER.to_owned(), WRONG.to_owned()];
    let account = json!({ "email": EMAIL, "password": PASSWORD });
    let _ = app.post("/sign_up").json(&account).send().await.expect(201);
    let _ = app.post("/sign_in").json(&json!({ "email": EMAIL, "password": WRONG })).send().await.expect(401);
    let messages = app.get(&format!("/dev/messages?to={EMAIL}&wait=20")).send().await.expect(200).json();
    let body = messages[0]["body"].as_str().expect("a mail").to_owned();
    let token =
        body.split("token=").nth(1).expect("a link").split(['"', '<', ' ', '\n']).next().expect("a token").to_owned();
    let _ = app.get(&format!("/identity/email_verification?token={token}")).send().await.expect(204);
    planted.push(token.split('.').nth(1).expect("a code").to_owned());

    let session = app.post("/sign_in").json(&account).send().await.expect(201).header("x-session-token").to_owned();
    let change = json!({ "current_password": PASSWORD, "password": OTHER });
    let _ = app.put("/password").bearer(&session).json(&change).send().await.expect(200);
    let login = json!({ "username": EMAIL, "password": OTHER });
    let login = app.post("/auth/login").json(&login).send().await.expect(200);
    let cookie = login.set_cookie("__client").expect("a cookie");
    let client = app.get("/v1/client").cookie(&cookie).send().await.expect(200).json();
    let id = client["response"]["last_active_session_id"].as_str().expect("a session").to_owned();
    let jwt = app.post(&format!("/v1/client/sessions/{id}/tokens")).cookie(&cookie).send().await.expect(200).json();
    let form = [("grant_type", "client_credentials"), ("scope", "verify")];
    let tenant =
        app.post("/oauth2/token").basic("tessera-dev", "tessera-dev-secret").form(&form).send().await.expect(200);
    let _ = app.post("/oauth2/token").basic("tessera-dev", WRONG).form(&form).send().await.expect(401);
    for secret in [&login.json()["accessToken"], &jwt["jwt"], &tenant.json()["access_token"]] {
        planted.push(secret.as_str().expect("a token").to_owned());
    }
    planted.extend([
        session,
        cookie,
        "tessera-dev-secret".to_owned(),
        "$argon2id$".to_owned(),
        "PRIVATE KEY".to_owned(),
    ]);

    let log = String::from_utf8_lossy(&captured.0.lock().expect("the buffer")).into_owned();
    assert!(log.contains("http.request"), "the journey was logged");
    for secret in planted {
        let line = log.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
}
