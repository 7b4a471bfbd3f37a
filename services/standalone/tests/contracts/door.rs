//! What an internal listener refuses: each test is an attack, or a fault of ours.

use async_trait::async_trait;
use chrono::TimeDelta;
use reqwest::Response;
use serde_json::Value;
use tessera_common::clock::Clock;
use tessera_common::random::Random;
use tessera_contracts::call::{CallError, Failure};
use tessera_contracts::http::verify;
use tessera_contracts::ids::UserId;
use tessera_contracts::sibling::Sibling;
use tessera_contracts::verify::{
    AuthenticatorConfirm, AuthenticatorEnrol, AuthenticatorEnrolled, AuthenticatorRemove, BackupCodesCount,
    BackupCodesIssue, BackupCodesIssued, BackupCodesRemove, BackupCodesUsed, Cancel, FactorAnswer, Initiate, Initiated,
    Resend, Resent, ServesSiblings, Validate, Verdict, VerifyApi,
};
use tessera_testkit::{START, json};
use tessera_tokens::service_token::BoundRequest;

use super::support::{Internal, Services};

/// A verify that knows four ids: it cancels anything, never comes to an end with the second, fails with the third, and has never heard that
/// somebody would ask for the fourth.
#[derive(Clone, Debug)]
struct Fake;

const SLOW: u128 = 2;
const BROKEN: u128 = 3;
const MISUSED: u128 = 4;
const NOT_NOW: CallError = CallError::Unavailable { callee: "verify", retry_after: 4 };

impl ServesSiblings for Fake {
    type Api = Self;

    fn for_sibling(&self, _: Sibling) -> Self {
        Self
    }
}

#[async_trait]
impl VerifyApi for Fake {
    async fn initiate(&self, _: Initiate) -> Result<Initiated, CallError> {
        Err(NOT_NOW)
    }

    async fn resend(&self, _: Resend) -> Result<Resent, CallError> {
        Err(NOT_NOW)
    }

    async fn validate(&self, _: Validate) -> Result<Verdict, CallError> {
        Ok(Verdict::Unknown)
    }

    async fn check(&self, _: Validate) -> Result<Verdict, CallError> {
        Ok(Verdict::Unknown)
    }

    async fn cancel(&self, cancel: Cancel) -> Result<(), CallError> {
        let Cancel::Id(id) = cancel else { return Ok(()) };
        match id.uuid().as_u128() {
            SLOW => std::future::pending().await,
            BROKEN => Err(CallError::Failed { callee: "verify", cause: "planted-cause".into() }),
            MISUSED => Err(Failure::Misused("nobody cancels that").as_callee("verify")),
            _ => Ok(()),
        }
    }

    async fn authenticator_enrol(&self, _: AuthenticatorEnrol) -> Result<AuthenticatorEnrolled, CallError> {
        Err(NOT_NOW)
    }

    async fn authenticator_confirm(&self, _: AuthenticatorConfirm) -> Result<Verdict, CallError> {
        Err(NOT_NOW)
    }

    async fn authenticator_check(&self, _: FactorAnswer) -> Result<Verdict, CallError> {
        Err(NOT_NOW)
    }

    async fn authenticator_remove(&self, _: AuthenticatorRemove) -> Result<(), CallError> {
        Err(NOT_NOW)
    }

    async fn backup_codes_issue(&self, _: BackupCodesIssue) -> Result<BackupCodesIssued, CallError> {
        Err(NOT_NOW)
    }

    async fn backup_codes_use(&self, _: FactorAnswer) -> Result<BackupCodesUsed, CallError> {
        Err(NOT_NOW)
    }

    async fn backup_codes_count(&self, _: UserId) -> Result<BackupCodesCount, CallError> {
        Err(NOT_NOW)
    }

    async fn backup_codes_remove(&self, _: BackupCodesRemove) -> Result<(), CallError> {
        Err(NOT_NOW)
    }
}

fn id(number: u128) -> Value {
    json!({ "id": uuid::Uuid::from_u128(number) })
}

/// A request to an internal listener, as somebody sends it who has a key.
pub struct Request {
    target: String,
    token: String,
    body: String,
    headers: Vec<(&'static str, String)>,
}

impl Request {
    /// What auth would send.
    pub fn new(services: &Services, callee: &str, method: &str, body: &Value) -> Self {
        Self::by(services, "auth", callee, method, body)
    }

    fn by(services: &Services, caller: &str, callee: &str, method: &str, body: &Value) -> Self {
        let (target, body) = (format!("/internal/{callee}/{method}"), body.to_string());
        let bound = BoundRequest { method: "POST", target: &target, body: body.as_bytes() };
        let token = services.key(caller).vouch(callee, bound, services.now(), &Random::system()).expect("a token");
        Self { target, token, body, headers: vec![("content-type", "application/json".to_owned())] }
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(other, _)| *other != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    pub async fn send(&self, listener: &Internal) -> Response {
        let http = reqwest::Client::builder().no_proxy().build().expect("a client");
        let url = listener.base.join(&self.target).expect("a URL");
        let mut request = http.post(url).body(self.body.clone());
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        request.send().await.expect("an answer")
    }
}

struct World {
    services: Services,
    clock: Clock,
    verify: Internal,
}

impl World {
    fn new() -> Self {
        let clock = Clock::fixed(START);
        let services = Services::new(&clock);
        let verify = services.listen("verify", verify::endpoints::<Fake>(), Fake);
        Self { services, clock, verify }
    }

    fn cancel(&self) -> Request {
        Request::new(&self.services, "verify", "cancel", &id(1))
    }

    async fn refused(&self, request: &Request, status: u16, code: &str) {
        let answer = request.send(&self.verify).await;
        assert_eq!(answer.status(), status);
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        assert_eq!(answer.headers().contains_key("www-authenticate"), status == 401);
        let text = answer.text().await.expect("a body");
        let problem: Value = serde_json::from_str(&text).expect("a problem");
        assert_eq!((&problem["code"], &problem["status"]), (&json!(code), &json!(status)), "{text}");
        assert!(!problem["detail"].as_str().expect("a sentence").is_empty());
        assert!(!text.contains("planted"), "{text}");
    }
}

#[actix_web::test]
async fn who_may_call_is_answered() {
    let world = World::new();
    let answer = world.cancel().send(&world.verify).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    assert_eq!(answer.text().await.expect("a body"), "{}");
}

#[actix_web::test]
async fn a_request_without_a_token_of_ours_is_refused() {
    let world = World::new();
    for token in ["", "x", "tss_x", "a.b.c", "..", "eyJhbGciOiJub25lIn0.e30."] {
        world.refused(&Request { token: token.to_owned(), ..world.cancel() }, 401, "unauthenticated").await;
    }
}

#[actix_web::test]
async fn a_request_that_was_seen_is_refused() {
    let world = World::new();
    let request = world.cancel();
    assert_eq!(request.send(&world.verify).await.status(), 200);
    world.refused(&request, 401, "unauthenticated").await;
}

#[actix_web::test]
async fn an_altered_request_is_refused() {
    let world = World::new();
    for altered in [
        Request { body: id(5).to_string(), ..world.cancel() },
        Request { body: format!("{} ", id(1)), ..world.cancel() },
        Request { target: "/internal/verify/validate".to_owned(), ..world.cancel() },
        Request { target: "/internal/verify/cancel?again".to_owned(), ..world.cancel() },
    ] {
        world.refused(&altered, 401, "unauthenticated").await;
    }
}

#[actix_web::test]
async fn a_key_that_is_not_trusted_is_refused() {
    let world = World::new();
    let strangers = Services::new(&world.clock);
    world.refused(&Request::new(&strangers, "verify", "cancel", &id(1)), 401, "unauthenticated").await;
}

#[actix_web::test]
async fn a_token_for_another_service_is_refused() {
    let world = World::new();
    let for_sessions = Request::new(&world.services, "sessions", "cancel", &id(1));
    world.refused(&Request { target: world.cancel().target, ..for_sessions }, 401, "unauthenticated").await;
}

#[actix_web::test]
async fn an_expired_token_is_refused() {
    let world = World::new();
    let request = world.cancel();
    world.clock.advance(TimeDelta::seconds(35));
    world.refused(&request, 401, "unauthenticated").await;
    assert_eq!(world.cancel().send(&world.verify).await.status(), 200);
}

#[actix_web::test]
async fn a_service_that_does_not_call_this_is_refused() {
    let world = World::new();
    for caller in ["oauth", "verify"] {
        let request = Request::by(&world.services, caller, "verify", "cancel", &id(1));
        world.refused(&request, 403, "caller_not_allowed").await;
    }
}

#[actix_web::test]
async fn a_request_that_comes_back_is_refused() {
    let world = World::new();
    for path in ["verify", "auth,verify", "auth, verify ,oauth"] {
        world.refused(&world.cancel().header("tessera-path", path), 508, "loop_detected").await;
    }
    for path in ["auth", "oauth,auth", "", "verify2"] {
        assert_eq!(world.cancel().header("tessera-path", path).send(&world.verify).await.status(), 200, "{path}");
    }
}

#[actix_web::test]
async fn a_body_of_another_form_is_refused() {
    let world = World::new();
    for body in [json!(null), json!([]), json!({}), json!({ "id": 1 }), json!("x")] {
        world.refused(&Request::new(&world.services, "verify", "cancel", &body), 400, "malformed").await;
    }
    world.refused(&world.cancel().header("content-type", "text/plain"), 415, "unsupported_media_type").await;
    let large = json!({ "id": uuid::Uuid::from_u128(1), "more": "x".repeat(64 * 1024) });
    world.refused(&Request::new(&world.services, "verify", "cancel", &large), 413, "too_large").await;
}

#[actix_web::test]
async fn what_a_newer_caller_adds_is_disregarded() {
    let world = World::new();
    let more = json!({ "id": uuid::Uuid::from_u128(1), "reason": "none" });
    let answer = Request::new(&world.services, "verify", "cancel", &more).send(&world.verify).await;
    assert_eq!(answer.status(), 200);
}

#[actix_web::test]
async fn work_that_nobody_waits_for_any_more_is_dropped() {
    let world = World::new();
    let slow = || Request::new(&world.services, "verify", "cancel", &id(SLOW));
    world.refused(&slow().header("tessera-timeout-ms", "50"), 503, "unavailable").await;
    // Whatever a caller says, no longer than the method may take.
    world.refused(&slow().header("tessera-timeout-ms", "86400000"), 503, "unavailable").await;
    world.refused(&slow(), 503, "unavailable").await;
}

#[actix_web::test]
async fn a_failure_is_told_without_its_cause() {
    let world = World::new();
    world.refused(&Request::new(&world.services, "verify", "cancel", &id(BROKEN)), 500, "internal").await;
}

#[actix_web::test]
async fn whoever_asks_for_what_cannot_be_is_told_so() {
    let world = World::new();
    world.refused(&Request::new(&world.services, "verify", "cancel", &id(MISUSED)), 422, "not_possible").await;
}
