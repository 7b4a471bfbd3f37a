//! Calls of a sibling with bodies that nobody would write. Whatever comes is answered, or refused as what the sibling did wrong.

use actix_web::{App, test, web};
use tessera_common::random::Random;
use tessera_testkit::{Value, json, on_every_database};
use tessera_tokens::service_key::{ServiceKey, ServiceKeys};
use tessera_tokens::service_token::{BoundRequest, ServiceTokens};
use uuid::Uuid;

use super::damage::Bodies;

const METHODS: [&str; 13] = [
    "initiate",
    "resend",
    "validate",
    "check",
    "cancel",
    "authenticator_enrol",
    "authenticator_confirm",
    "authenticator_check",
    "authenticator_remove",
    "backup_codes_issue",
    "backup_codes_use",
    "backup_codes_count",
    "backup_codes_remove",
];

/// A body that a method finds nothing wrong in. What is begun or asked for is another one each time, what is answered is the same.
fn valid(method: &str, number: u64) -> Value {
    let (same, new) = (Uuid::from_u128(0), Uuid::from_u128(number.into()));
    let holder = "sign_in:1";
    match method {
        "initiate" => json!({
            "id": new, "holder": holder, "channel": "email", "purpose": "sign_in", "subject": same,
            "destination": format!("user{number}@example.org"),
            "message": { "name": "reset_password", "values": { "link": "https://id.example/?token=" } },
            "code": { "short": { "digits": 6 } }, "lifetime_s": 600, "browser_client": same,
        }),
        "resend" => json!({ "op": new, "id": same, "holder": holder }),
        "validate" | "check" => json!({ "id": same, "holder": holder, "code": "123456" }),
        "cancel" if number.is_multiple_of(2) => json!({ "id": new }),
        "cancel" => json!({ "holder": holder }),
        "authenticator_enrol" => json!({ "user": same, "enrolment": new, "label": "ada@example.org" }),
        "authenticator_confirm" => json!({ "user": same, "enrolment": same, "code": "123456" }),
        "authenticator_check" | "backup_codes_use" => json!({ "user": same, "attempt": new, "code": "123456" }),
        "authenticator_remove" => json!({ "user": new, "enrolment": new }),
        "backup_codes_issue" => json!({ "user": same, "set": new }),
        _ => json!({ "user": new }),
    }
}

on_every_database! {
    async fn whatever_a_sibling_says_it_is_answered_or_told_that_it_is_wrong(app: TestApp) {
        let (clock, random) = (app.clock.clone(), Random::system());
        let auth = ServiceKey::generate("auth").and_then(|secret| ServiceKey::parse("auth", &secret)).expect("a key");
        let trusted = ServiceKeys::parse(&json!({ "keys": [auth.public()] }).to_string()).expect("a set");
        let tokens = web::Data::new(ServiceTokens::new(trusted, "verify", clock.clone()));
        let service = App::new()
            .app_data(tokens)
            .app_data(web::Data::new(app.platform.verify().clone()))
            .configure(|config| tessera_verify::internal_endpoints().configure(config));
        let service = test::init_service(service).await;
        let call = async |method: &str, body: Vec<u8>| {
            let target = format!("/internal/verify/{method}");
            let bound = BoundRequest { method: "POST", target: &target, body: &body };
            let token = auth.vouch("verify", bound, clock.now(), &random).expect("a token");
            let request = test::TestRequest::post()
                .uri(&target)
                .insert_header(("content-type", "application/json"))
                .insert_header(("authorization", format!("Bearer {token}")))
                .set_payload(body.clone());
            let answer = test::call_service(&service, request.to_request()).await;
            let (status, said) = (answer.status().as_u16(), test::read_body(answer).await);
            let shown = || format!("{method} {}: {status} {}", String::from_utf8_lossy(&body), String::from_utf8_lossy(&said));
            assert!([200, 400, 422].contains(&status), "{}", shown());
            let said: Value = serde_json::from_slice(&said).unwrap_or_else(|_| panic!("{}", shown()));
            assert!(status == 200 || said["status"] == status, "{}", shown());
            status
        };
        let mut bodies = Bodies::of_environment();
        for method in METHODS {
            let whole = serde_json::to_vec(&valid(method, 0)).expect("JSON");
            assert_eq!(call(method, whole).await, 200, "{method}: else only the rule that it breaks would ever be tried");
            for number in 1..=bodies.number {
                let body = bodies.next(&valid(method, number));
                let _ = call(method, body).await;
            }
        }
    }
}
