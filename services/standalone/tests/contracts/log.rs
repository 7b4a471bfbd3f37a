//! What calls never leave in the log, at any level, whichever side wrote it and whatever went wrong.

use tessera_common::clock::Clock;
use tessera_common::random::Random;
use tessera_common::telemetry::{self, LogFormat, LogSettings, TelemetrySettings};
use tessera_contracts::http::sessions::HttpSessions;
use tessera_contracts::http::verify::HttpVerify;
use tessera_contracts::ids::VerificationId;
use tessera_contracts::sessions::{Credential, SessionsApi as _};
use tessera_contracts::verify::{Validate, VerifyApi as _};
use tessera_testkit::{Captured, Engine, START, TestApp};

use super::support::{Reply, Services, Stub, header};

const COOKIE: &str = "planted-cookie";
const CODE: &str = "planted-code";
const ANSWER: &str = "planted-answer";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_of_a_call_is_in_the_log() {
    let captured = Captured::default();
    let settings = LogSettings { format: LogFormat::Json, level: "trace".to_owned() };
    let nothing_sent = TelemetrySettings::default();
    let _telemetry = telemetry::init(&settings, &nothing_sent, None, "test", captured.sink()).expect("logging");
    let app = TestApp::start(Engine::Sqlite).await;
    let services = Services::new(&app.clock);
    let cookie = || Credential::Cookie(COOKIE.to_owned().into());
    let validate = || Validate {
        id: VerificationId::new(START, &Random::system()),
        holder: "h".to_owned(),
        code: CODE.to_owned().into(),
    };

    let sessions = app.platform.sessions().clone();
    let listener = services.listen("sessions", tessera_sessions::internal_endpoints(), sessions);
    let answered = HttpSessions::new(services.peer("auth", &listener.base)).resolve(cookie()).await;
    assert!(answered.expect("answered").is_none());
    let verify = services.listen("verify", tessera_verify::internal_endpoints(), app.platform.verify().clone());
    let _ = HttpVerify::new(services.peer("auth", &verify.base)).validate(validate()).await.expect("answered");

    let mut planted = [COOKIE, CODE, ANSWER].map(str::to_owned).to_vec();
    for reply in
        [Reply::new(200, ANSWER), Reply::new(503, ANSWER), Reply::new(403, ANSWER), Reply::HangUp, Reply::Silence]
    {
        let stub = Stub::start([reply]).await;
        let services = Services::new(&Clock::fixed(START));
        assert!(HttpSessions::new(services.peer("auth", &stub.base)).resolve(cookie()).await.is_err());
        let tokens = stub.requests();
        planted.extend(tokens.iter().filter_map(|request| Some(header(request, "authorization")?[7..].to_owned())));
    }

    let log = captured.text();
    assert!(log.contains("http.request") && log.contains("a call was not answered in time"), "calls are logged");
    assert!(planted.len() > 7, "{planted:?}");
    for secret in planted {
        let line = log.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
}
