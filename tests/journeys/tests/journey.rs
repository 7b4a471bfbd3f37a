//! The first journey of a person and of a back end, over a restart, in both shapes.

#![cfg(test)]

use tessera_journeys::{Api, Engines, Ground, Setup, Shape, TlsFiles, Value, change_password, json, warnings};

const ADA: &str = "ada@example.org";
const PASSWORD: &str = "Secret1*2*3*4*5*6";
const OTHER: &str = "NewPassword12$34$56$7";

#[tokio::test]
async fn the_first_journey_in_one_process() {
    journey(Shape::all_in_one().await).await;
}

#[tokio::test]
async fn the_first_journey_over_four_services() {
    // Told to leave an engine out, there is nothing to do.
    let Some(ground) = Ground::find().await else { return };
    journey(Shape::four_services(&ground.setup()).await).await;
}

#[tokio::test]
async fn the_first_journey_over_three_replicas_of_each_service() {
    let Some(ground) = Ground::find().await else { return };
    journey(Shape::four_services(&Setup { replicas: 3, ..ground.setup() }).await).await;
}

#[tokio::test]
async fn the_first_journey_over_four_services_with_tls_between_any_two() {
    let tls = TlsFiles::make();
    let Some(engines) = Engines::start_over_tls(&tls, &tls, &tls).await else { return };
    journey(Shape::four_services(&Setup::over_tls(&engines, tls)).await).await;
}

/// The first journey, a restart, and what is left.
async fn journey(mut platform: Shape) {
    let api = platform.api();
    let version = api.get("/sessions/version").send().await.expect(200).json();
    assert_eq!(version, json!({ "version": env!("CARGO_PKG_VERSION") }));

    all_is_described(&api).await;
    sign_up_and_verify(&api).await;
    let tokens = sessions_and_passwords(&api).await;
    let browser = browser(&api).await;
    let back_end = verification_by_mail(&api).await;

    assert_eq!(warnings(&platform.log()), "", "nothing to warn of");
    platform.restart().await;
    let api = platform.api();
    let live = api.get("/sessions").bearer(&tokens.live).send().await.expect(200).json();
    assert_eq!(live.as_array().map(Vec::len), Some(2), "the one in use and the browser's: {live}");
    for ended in &tokens.ended {
        let _ = api.get("/sessions").bearer(ended).send().await.expect(401);
    }
    let _ = sign_in(&api, PASSWORD).await.expect(401);
    let _ = sign_in(&api, OTHER).await.expect(201);
    let _ = mint(&api, &browser.cookie, &browser.live).await.expect(200);
    let _ = mint(&api, &browser.ended_cookie, &browser.ended).await.expect(401);
    let _ = validate(&api, &back_end, &back_end.code).await.expect(404);
}

async fn all_is_described(api: &Api) {
    assert!(api.get("/docs/").send().await.expect(200).text.contains("swagger-ui"));
    let listed = api.get("/docs/swagger-initializer.js").send().await.expect(200).text;
    for name in ["auth", "sessions", "verify", "oauth"] {
        let path = format!("/docs/{name}.json");
        assert!(listed.contains(&path), "{listed}");
        let described = api.get(&path).send().await.expect(200).json();
        assert!(described["paths"].as_object().is_some_and(|paths| !paths.is_empty()), "{name}");
    }
}

async fn sign_up_and_verify(api: &Api) {
    let user =
        api.post("/sign_up").json(&json!({ "email": ADA, "password": PASSWORD })).send().await.expect(201).json();
    assert_eq!((&user["id"], &user["verified"]), (&json!(1), &json!(false)));
    let link = api.mailed_link(ADA).await.expect("a link");
    let _ = api.get(&link).send().await.expect(204);
    let _ = api.post("/sign_up").json(&json!({ "email": ADA, "password": PASSWORD })).send().await.expect(422);
}

async fn sign_in(api: &Api, password: &str) -> tessera_journeys::Answer {
    api.post("/sign_in").json(&json!({ "email": ADA, "password": password })).send().await
}

struct Tokens {
    live: String,
    ended: Vec<String>,
}

/// One session signs another out, and ends a third by changing the password.
async fn sessions_and_passwords(api: &Api) -> Tokens {
    let mut opened = Vec::new();
    for _ in 0..3 {
        let answer = sign_in(api, PASSWORD).await.expect(201);
        opened.push((answer.header("x-session-token").to_owned(), answer.json()["id"].clone()));
    }
    let live = opened[0].0.clone();
    let listed = api.get("/sessions").bearer(&live).send().await.expect(200).json();
    let numbers: Vec<&Value> = listed.as_array().expect("sessions").iter().map(|session| &session["id"]).collect();
    assert_eq!(numbers, [&opened[2].1, &opened[1].1, &opened[0].1], "newest first");

    let _ = api.delete(&format!("/sessions/{}", opened[1].1)).bearer(&live).send().await.expect(204);
    let _ = api.get("/sessions").bearer(&opened[1].0).send().await.expect(401);

    let change = json!({ "current_password": PASSWORD, "password": OTHER, "password_confirmation": OTHER });
    let user = change_password(api, &live, &change, &opened[2].0).await.json();
    assert_eq!(user["verified"], json!(true));
    let _ = api.get("/sessions").bearer(&opened[2].0).send().await.expect(401);
    let _ = api.get("/sessions").bearer(&live).send().await.expect(200);
    let _ = sign_in(api, PASSWORD).await.expect(401);
    Tokens { live, ended: vec![opened[1].0.clone(), opened[2].0.clone()] }
}

struct Browser {
    cookie: String,
    live: String,
    ended_cookie: String,
    ended: String,
}

/// Two browsers sign in; one of them signs out.
async fn browser(api: &Api) -> Browser {
    let (cookie, live) = log_in(api).await;
    let (ended_cookie, ended) = log_in(api).await;
    let token = mint(api, &cookie, &live).await.expect(200).json();
    assert_eq!(token["jwt"].as_str().map(|jwt| jwt.split('.').count()), Some(3));
    let end = format!("/v1/client/sessions/{ended}/end");
    let answer = api.post(&end).cookie(&ended_cookie).send().await.expect(200).json();
    assert_eq!(answer["response"]["status"], "ended");
    let _ = mint(api, &ended_cookie, &ended).await.expect(401);
    Browser { cookie, live, ended_cookie, ended }
}

async fn log_in(api: &Api) -> (String, String) {
    let answer = api.post("/auth/login").json(&json!({ "username": ADA, "password": OTHER })).send().await.expect(200);
    let cookie = answer.set_cookie("__client").expect("the client cookie");
    let client = api.get("/v1/client").cookie(&cookie).send().await.expect(200).json()["response"].clone();
    let session = client["last_active_session_id"].as_str().expect("a session").to_owned();
    assert_eq!(client["sessions"][0]["user"]["email_addresses"][0]["verification"]["status"], "verified");
    (cookie, session)
}

async fn mint(api: &Api, cookie: &str, session: &str) -> tessera_journeys::Answer {
    api.post(&format!("/v1/client/sessions/{session}/tokens")).cookie(cookie).send().await
}

struct BackEnd {
    token: String,
    verification: String,
    code: String,
}

/// A back end gets a token of its own and verifies an address by a mailed code.
async fn verification_by_mail(api: &Api) -> BackEnd {
    let form = [("grant_type", "client_credentials"), ("scope", "verify")];
    let token = api.post("/oauth2/token").basic("tessera-dev", "tessera-dev-secret").form(&form).send().await;
    let token = token.expect(200).json()["access_token"].as_str().expect("a token").to_owned();
    let consumer = "bob@example.org";
    let body = json!({
        "consumer": consumer,
        "template": { "body": "code:{{{CODE}}}:" },
        "generateCode": { "length": 6, "symbolSet": ["DIGITS"] },
        "policy": { "expiredOn": "01:00:00" },
    });
    let initiate = api.post("/methods/email/actions/initiate").header("accept", "application/json").bearer(&token);
    let started = initiate.json(&body).send().await.expect(200).json();
    let verification = started["verificationId"].as_str().expect("an id").to_owned();
    let mail = api.get(&format!("/dev/messages?to={consumer}&wait=20")).send().await.expect(200).json();
    let code = mail[0]["body"].as_str().and_then(|body| body.split(':').nth(1)).expect("a code").to_owned();
    let back_end = BackEnd { token, verification, code };

    let wrong = if back_end.code == "000000" { "000001" } else { "000000" };
    let judged = validate(api, &back_end, wrong).await.expect(422).json();
    assert_eq!((&judged["error"], &judged["data"]["attempts"]), (&json!("Invalid code"), &json!(1)));
    let judged = validate(api, &back_end, &back_end.code).await.expect(200).json();
    assert_eq!(judged["data"]["consumer"], consumer);
    let _ = validate(api, &back_end, &back_end.code).await.expect(404);
    back_end
}

async fn validate(api: &Api, back_end: &BackEnd, code: &str) -> tessera_journeys::Answer {
    let path = format!("/methods/email/verifiers/{}/actions/validate", back_end.verification);
    let call = api.post(&path).header("accept", "application/json").bearer(&back_end.token);
    call.json(&json!({ "code": code })).send().await
}
