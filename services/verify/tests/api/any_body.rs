//! Bodies that nobody would write. Whatever comes, the answer is one of the contract's, and the service goes on.

use tessera_testkit::{Engine, Method, TestApp, Value, json};

use super::damage::Bodies;
use super::support::Tenant;

const PATHS: [&str; 17] = [
    "email/actions/initiate",
    "phone/actions/initiate",
    "google_auth/actions/initiate",
    "google_auth/actions/initiate?qr=svg",
    "backup_code/actions/initiate",
    "email/actions/resend",
    "phone/actions/resend",
    "google_auth/actions/resend",
    "backup_code/actions/resend",
    "google_auth/actions/status",
    "google_auth/actions/remove",
    "backup_code/actions/status",
    "backup_code/actions/remove",
    "email/verifiers/dc910ae0-7c67-4ace-8ebb-9edd4b5d8b0f/actions/validate",
    "phone/verifiers/dc910ae0-7c67-4ace-8ebb-9edd4b5d8b0f/actions/validate",
    "google_auth/verifiers/dc910ae0-7c67-4ace-8ebb-9edd4b5d8b0f/actions/validate",
    "backup_code/verifiers/dc910ae0-7c67-4ace-8ebb-9edd4b5d8b0f/actions/validate",
];

/// A body that a path finds nothing wrong in.
fn valid(path: &str) -> Value {
    let consumer = match path.split('/').next() {
        Some("email") => "ada@example.org",
        Some("phone") => "+4915112345678",
        _ => "ada",
    };
    json!({
        "consumer": consumer,
        "issuer": "Shop",
        "template": { "body": "{{{CODE}}}", "subject": "s", "fromEmail": "a@example.org", "fromName": "n" },
        "generateCode": { "length": 6, "symbolSet": ["DIGITS"] },
        "policy": {
            "expiredOn": "01:00:00",
            "forcedVerificationId": "dc910ae0-7c67-4ace-8ebb-9edd4b5d8b0f",
            "forcedCode": "123456",
        },
        "payload": { "b": [1, 2.50], "a": null },
        "code": "123456",
        "removeSecret": true,
        "regenerate": true,
    })
}

#[tokio::test]
async fn whatever_a_body_is_the_answer_is_one_of_the_contract() {
    let unlimited = [("TESSERA_VERIFY_TENANT_MESSAGES", "1000000"), ("TESSERA_VERIFY_SMS_TENANT_BUDGET", "1000000")];
    let app = TestApp::start_with(Engine::Sqlite, &unlimited).await;
    let tenant = Tenant::of(&app);
    let mut bodies = Bodies::of_environment();
    let send = async |path, body: &[u8]| {
        let call = tenant.call(Method::POST, &format!("/methods/{path}"));
        let answer = call.body("application/json", body.to_vec()).send().await;
        judge(path, body, answer.status.as_u16(), &answer.json());
        answer.json()["details"].clone()
    };
    for path in PATHS {
        let whole = serde_json::to_vec(&valid(path)).expect("JSON");
        let problems = send(path, &whole).await;
        // Else only the rule that it breaks would ever be tried.
        assert!(problems.is_null() || problems[0]["path"] == "method", "{path}: {problems}");
        for _ in 0..bodies.number {
            send(path, &bodies.next(&valid(path))).await;
        }
    }
}

/// The status is one that the contract has for a readable request of a tenant, and the body has its form.
fn judge(path: &str, body: &[u8], status: u16, answer: &Value) {
    let shown = || format!("{path} {}: {status} {answer}", String::from_utf8_lossy(body));
    assert!([200, 400, 403, 404, 422, 429].contains(&status), "{}", shown());
    assert_eq!(answer["status"], status, "{}", shown());
    assert!(status == 200 || answer["error"].is_string(), "{}", shown());
    if answer["error"] == "Invalid request" {
        let details = answer["details"].as_array().unwrap_or_else(|| panic!("{}", shown()));
        let is_one = |detail: &Value| detail["path"].is_string() && detail["error"].is_string();
        assert!(!details.is_empty() && details.iter().all(is_one), "{}", shown());
    }
}
