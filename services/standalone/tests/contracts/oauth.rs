//! `OAuthApi`, both ways; and a call on the way of a call.

use std::sync::Arc;

use secrecy::ExposeSecret as _;
use tessera_common::random::Random;
use tessera_common::server::Origin;
use tessera_contracts::call::CallError;
use tessera_contracts::http::oauth::HttpOAuth;
use tessera_contracts::http::sessions::HttpSessions;
use tessera_contracts::ids::{SessionId, UserId};
use tessera_contracts::oauth::OAuthApi;
use tessera_contracts::sessions::SessionsApi;
use tessera_oauth::{OAuth, Parts, Settings};
use tessera_testkit::{Engine, START, TestApp, json, on_every_database};
use tessera_tokens::access_token::AccessTokens;

use super::support::{Internal, Reply, Services, Stub, header};

fn over_http(services: &Services, oauth: OAuth) -> (HttpOAuth, Internal) {
    let listener = services.listen("oauth", tessera_oauth::internal_endpoints(), oauth);
    (HttpOAuth::new(services.peer("auth", &listener.base)), listener)
}

fn somebody() -> (UserId, SessionId) {
    (UserId::new(START, &Random::system()), SessionId::new(START, &Random::system()))
}

/// The app's oauth, asking `sessions` in place of the app's own.
fn asking(app: &TestApp, sessions: Arc<dyn SessionsApi>) -> OAuth {
    let parts = Parts {
        db: app.databases.oauth.clone(),
        keys: app.platform.oauth().signing_keys().clone(),
        clock: app.clock.clone(),
        random: Random::system(),
        origin: Origin::try_from(app.origin.clone()).expect("an origin"),
        sessions,
        address_factor: 1,
        settings: Settings { default_application: "tessera-dev".to_owned() },
    };
    OAuth::build(parts).expect("built")
}

/// A user with a session, by way of the platform's own front door.
async fn signed_in(app: &TestApp) -> (UserId, SessionId) {
    let account = json!({ "email": "ada@example.org", "password": "Secret1*2*3*4*5*6" });
    let _ = app.post("/sign_up").json(&account).send().await.expect(201);
    let token = app.post("/sign_in").json(&account).send().await.expect(201).header("x-session-token").to_owned();
    let credential = tessera_contracts::sessions::Credential::SessionToken(token.into());
    let resolved = app.platform.sessions().resolve(credential).await.expect("answered").expect("somebody");
    let session = resolved.current().expect("a session");
    (session.user, session.id)
}

on_every_database! {
    async fn applications_are_the_same(app: TestApp) {
        let (remote, _listener) = over_http(&Services::new(&app.clock), app.platform.oauth().clone());
        for id in [None, Some("tessera-dev"), Some("tessera-dev-public"), Some("nobody"), Some(""), Some("\u{e4}\"\n")] {
            let there = remote.application(id).await.expect("answered");
            assert_eq!(there, app.platform.oauth().application(id).await.expect("answered"), "{id:?}");
        }
        assert_eq!(remote.application(None).await.expect("answered").expect("known").id, "tessera-dev");
    }

    async fn a_first_party_token_says_the_same(app: TestApp) {
        let (remote, _listener) = over_http(&Services::new(&app.clock), app.platform.oauth().clone());
        let (user, session) = signed_in(&app).await;
        let (stranger, nothing) = somebody();
        let issuer = format!("{}/oauth2", app.origin);
        let audience = format!("{}/userinfo", issuer);
        let check = AccessTokens::new(app.platform.oauth().public_keys(), issuer, audience, app.clock.clone());
        let mut issued = Vec::new();
        let apis: [&dyn OAuthApi; 2] = [app.platform.oauth(), &remote];
        for api in apis {
            let token = api.issue_first_party(user, session, "tessera-dev").await.expect("answered").expect("issued");
            let mut claims = check.check(token.access_token.expose_secret()).await.expect("a good token");
            claims.jti = String::new();
            issued.push((claims, token.expires_in, token.scope));
            for (user, session, application) in
                [(user, session, "nobody"), (stranger, nothing, "tessera-dev"), (user, nothing, "tessera-dev")]
            {
                assert!(api.issue_first_party(user, session, application).await.expect("answered").is_none());
            }
        }
        assert_eq!(issued[0], issued[1]);
        assert_eq!(issued[1].0.sub, user.to_string());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_on_the_way_says_where_the_request_has_been_and_what_is_left_of_its_time() {
    let app = TestApp::start(Engine::Sqlite).await;
    let services = Services::new(&app.clock);
    let stub = Stub::start([Reply::new(503, "").with("retry-after: 9")]).await;
    let sessions = HttpSessions::new(services.peer("oauth", &stub.base));
    let (remote, _listener) = over_http(&services, asking(&app, Arc::new(sessions)));
    let (user, session) = somebody();
    let answered = remote.issue_first_party(user, session, "tessera-dev").await;
    assert!(matches!(answered, Err(CallError::Unavailable { callee: "oauth", retry_after: 9 })), "{answered:?}");
    for request in stub.requests() {
        assert_eq!(header(&request, "tessera-path"), Some("auth,oauth"));
    }
    // Both ask twice: each repetition is one of the caller's own.
    assert_eq!(stub.requests().len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_on_the_way_outlasts_the_request() {
    let app = TestApp::start(Engine::Sqlite).await;
    let services = Services::new(&app.clock);
    let stub = Stub::start([Reply::Silence]).await;
    let sessions = HttpSessions::new(services.peer("oauth", &stub.base));
    let listener = services.listen("oauth", tessera_oauth::internal_endpoints(), asking(&app, Arc::new(sessions)));
    let (user, session) = somebody();
    let body = json!({ "user": user, "session": session, "application": "tessera-dev" });
    let answer = super::door::Request::new(&services, "oauth", "issue_first_party", &body)
        .header("tessera-timeout-ms", "300")
        .send(&listener)
        .await;
    assert_eq!(answer.status(), 503);
    let requests = stub.requests();
    let waits: u64 = header(&requests[0], "tessera-timeout-ms").expect("said").parse().expect("a number");
    assert!(waits <= 300, "{waits}");
}
