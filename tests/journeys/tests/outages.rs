//! What four services still do while something they stand on is away: for each that is stopped, what works, what answers 503, and what
//! happens once it is back. The engines are this test's own.

#![cfg(test)]

use tessera_journeys::{Answer, Api, Engines, Service, Services, Setup, State, Value, change_password, json};

const PASSWORD: &str = "Secret1*2*3*4*5*6";
const OTHER: &str = "NewPassword12$34$56$7";

fn new_password() -> Value {
    json!({ "current_password": PASSWORD, "password": OTHER })
}

async fn signed_up(api: &Api, email: &str) {
    let account = json!({ "email": email, "password": PASSWORD });
    let _ = api.post("/sign_up").json(&account).send().await.expect(201);
}

async fn sign_in(api: &Api, email: &str, password: &str) -> Answer {
    api.post("/sign_in").json(&json!({ "email": email, "password": password })).send().await
}

async fn session_token(api: &Api, email: &str) -> String {
    sign_in(api, email, PASSWORD).await.expect(201).header("x-session-token").to_owned()
}

/// A browser that is signed in: its cookie and its session.
async fn browser(api: &Api, email: &str) -> (String, String) {
    let login = json!({ "username": email, "password": PASSWORD });
    let login = api.post("/auth/login").json(&login).send().await.expect(200);
    let cookie = login.set_cookie("__client").expect("a cookie");
    let client = api.get("/v1/client").cookie(&cookie).send().await.expect(200).json();
    let session = client["response"]["last_active_session_id"].as_str().expect("a session").to_owned();
    (cookie, session)
}

async fn mint(api: &Api, (cookie, session): &(String, String)) -> Answer {
    api.post(&format!("/v1/client/sessions/{session}/tokens")).cookie(cookie).send().await
}

async fn back_end_token(api: &Api) -> Answer {
    let form = [("grant_type", "client_credentials"), ("scope", "verify")];
    api.post("/oauth2/token").basic("tessera-dev", "tessera-dev-secret").form(&form).send().await
}

#[tokio::test]
async fn with_auth_stopped_sessions_go_on_and_only_what_needs_it_answers_503() {
    let Some(engines) = Engines::start().await else { return };
    let mut services = Services::start(&Setup::on(&engines)).await;
    let api = services.api();
    signed_up(&api, "ada@example.org").await;
    let ada = browser(&api, "ada@example.org").await;
    let session = session_token(&api, "ada@example.org").await;

    services.terminate(Service::Auth, 0).await;
    let _ = mint(&api, &ada).await.expect(200);
    let _ = api.get("/v1/client").cookie(&ada.0).send().await.expect(200);
    let _ = api.get("/sessions").bearer(&session).send().await.expect(200);
    let _ = back_end_token(&api).await.expect(200);
    let refused = sign_in(&api, "ada@example.org", PASSWORD).await.expect(503);
    assert!(!refused.header("retry-after").is_empty());
    let end = format!("/v1/client/sessions/{}/end", ada.1);
    let _ = api.post(&end).cookie(&ada.0).send().await.expect(200);
    let _ = mint(&api, &ada).await.expect(401);

    services.launch(Service::Auth, 0).await;
    let _ = sign_in(&api, "ada@example.org", PASSWORD).await.expect(201);
    let _ = mint(&api, &ada).await.expect(401);
}

#[tokio::test]
async fn with_the_broker_stopped_a_password_change_ends_the_others_at_once_and_events_arrive_when_it_is_back() {
    let Some(mut engines) = Engines::start().await else { return };
    let services = Services::start(&Setup { replicas: 2, ..Setup::on(&engines) }).await;
    let api = services.api();
    signed_up(&api, "ada@example.org").await;
    let (kept, other) = (session_token(&api, "ada@example.org").await, session_token(&api, "ada@example.org").await);
    let ada = browser(&api, "ada@example.org").await;

    engines.rabbitmq.stop().await;
    let _ = change_password(&api, &kept, &new_password(), &other).await;
    // Refused by the time that the change is answered, by whichever replica is asked.
    for _ in 0..10 {
        let _ = api.get("/sessions").bearer(&other).send().await.expect(401);
        let _ = mint(&api, &ada).await.expect(401);
    }
    let _ = api.get("/sessions").bearer(&kept).send().await.expect(200);
    let _ = sign_in(&api, "ada@example.org", PASSWORD).await.expect(401);
    let _ = sign_in(&api, "ada@example.org", OTHER).await.expect(201);
    signed_up(&api, "grace@example.org").await;
    let _ = api.mailed_link("grace@example.org").await.expect("a mail needs no broker");

    engines.rabbitmq.launch().await;
    let mut state = State::of_services(&services).await;
    state.settle().await;
    assert_eq!(state.broken().await, []);
    let grace = browser(&api, "grace@example.org").await;
    let client = api.get("/v1/client").cookie(&grace.0).send().await.expect(200).json();
    let email = &client["response"]["sessions"][0]["user"]["email_addresses"][0]["email_address"];
    assert_eq!(email, "grace@example.org", "the profile came by an event that waited");
}

#[tokio::test]
async fn with_redis_stopped_nothing_changes_but_limits() {
    let Some(mut engines) = Engines::start().await else { return };
    let services = Services::start(&Setup::on(&engines)).await;
    let api = services.api();
    signed_up(&api, "ada@example.org").await;
    let (kept, other) = (session_token(&api, "ada@example.org").await, session_token(&api, "ada@example.org").await);
    let ada = browser(&api, "ada@example.org").await;

    engines.redis.kill9();
    let _ = mint(&api, &ada).await.expect(200);
    let _ = sign_in(&api, "ada@example.org", PASSWORD).await.expect(201);
    signed_up(&api, "grace@example.org").await;
    let link = api.mailed_link("grace@example.org").await.expect("a mail");
    let _ = api.get(&link).send().await.expect(204);
    let _ = back_end_token(&api).await.expect(200);
    let _ = change_password(&api, &kept, &new_password(), &other).await;
    let _ = api.get("/sessions").bearer(&other).send().await.expect(401);

    engines.redis.launch().await;
    let _ = api.get("/sessions").bearer(&kept).send().await.expect(200);
    let _ = api.get("/sessions").bearer(&other).send().await.expect(401);
}
