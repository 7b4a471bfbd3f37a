//! Bodies that nobody would write. Whatever comes, the answer is one of the contract's, and the service goes on.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use tessera_testkit::{Engine, Method, TestApp, Value, json};

use super::support::Tenant;

/// Bodies for each path.
const BODIES: usize = 150;

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

/// Texts that have a meaning somewhere, or nearly.
fn text() -> impl Strategy<Value = String> {
    let known = select(vec![
        "",
        " ",
        "a@example.org",
        "a@b@c",
        "+4915112345678",
        "+0",
        "00:00:01",
        "-01:00:00",
        "99999999999:00:00",
        "PT1H",
        "P30D",
        "1.00:00:00",
        "DIGITS",
        "\u{0}",
        "\r\nBcc: x@example.org",
        "{{{CODE}}}",
        "{{{VERIFICATION_ID}}}",
        "٣٤٥",
        "\u{202e}",
        "1e9",
        "dc910ae0-7c67-4ace-8ebb-9edd4b5d8b0f",
        "DC910AE0-7C67-4ACE-8EBB-9EDD4B5D8B0F",
        "{dc910ae0}",
    ]);
    prop_oneof![known.prop_map(str::to_owned), ".{0,40}", "[a-z]{600}"]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(vec![-1, 0, 1, 32, 33]).prop_map(Value::from),
        text().prop_map(Value::from),
    ];
    leaf.prop_recursive(9, 64, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(text(), inner, 0..4).prop_map(|members| json!(members)),
        ]
    })
}

/// What is done to a valid body.
#[derive(Clone, Debug)]
enum Damage {
    Replace(Index, Value),
    Remove(Index),
    Byte(Index, u8),
    Cut(Index),
    Insert(Index, Vec<u8>),
}

fn damage() -> impl Strategy<Value = Damage> {
    prop_oneof![
        6 => (any::<Index>(), value()).prop_map(|(at, value)| Damage::Replace(at, value)),
        3 => any::<Index>().prop_map(Damage::Remove),
        1 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Damage::Byte(at, byte)),
        1 => any::<Index>().prop_map(Damage::Cut),
        1 => (any::<Index>(), vec(any::<u8>(), 1..20)).prop_map(|(at, bytes)| Damage::Insert(at, bytes)),
    ]
}

/// The paths of all members, as JSON pointers.
fn members(value: &Value, at: &str, found: &mut Vec<String>) {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(object) => {
            object.iter().map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        Value::Array(array) => array.iter().enumerate().map(|(number, value)| (number.to_string(), value)).collect(),
        _ => return,
    };
    for (name, value) in inner {
        let path = format!("{at}/{name}");
        members(value, &path, found);
        found.push(path);
    }
}

fn damaged(mut body: Value, damages: Vec<Damage>) -> Vec<u8> {
    let mut bytes = None;
    for damage in damages {
        let mut paths = Vec::new();
        members(&body, "", &mut paths);
        let text = || serde_json::to_vec(&body).expect("JSON");
        match damage {
            Damage::Replace(at, value) if !paths.is_empty() => {
                let path: &String = at.get(&paths);
                *body.pointer_mut(path).expect("a member") = value;
            }
            Damage::Remove(at) if !paths.is_empty() => {
                let path: &String = at.get(&paths);
                let (parent, name) = path.rsplit_once('/').expect("a path");
                if let Some(Value::Object(parent)) = body.pointer_mut(parent) {
                    parent.remove(name);
                }
            }
            Damage::Replace(_, value) => body = value,
            Damage::Remove(_) => {}
            Damage::Byte(at, byte) => {
                let mut all = bytes.take().unwrap_or_else(text);
                let at = at.index(all.len().max(1));
                if let Some(place) = all.get_mut(at) {
                    *place = byte;
                }
                bytes = Some(all);
            }
            Damage::Cut(at) => {
                let mut all = bytes.take().unwrap_or_else(text);
                all.truncate(at.index(all.len() + 1));
                bytes = Some(all);
            }
            Damage::Insert(at, more) => {
                let mut all = bytes.take().unwrap_or_else(text);
                let at = at.index(all.len() + 1);
                all.splice(at..at, more);
                bytes = Some(all);
            }
        }
    }
    bytes.unwrap_or_else(|| serde_json::to_vec(&body).expect("JSON"))
}

#[tokio::test]
async fn whatever_a_body_is_the_answer_is_one_of_the_contract() {
    let unlimited = [("TESSERA_VERIFY_TENANT_MESSAGES", "1000000"), ("TESSERA_VERIFY_SMS_TENANT_BUDGET", "1000000")];
    let app = TestApp::start_with(Engine::Sqlite, &unlimited).await;
    let tenant = Tenant::of(&app);
    let mut runner = TestRunner::deterministic();
    let bodies = vec(damage(), 0..4);
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
        for _ in 0..BODIES {
            let body = damaged(valid(path), bodies.new_tree(&mut runner).expect("a body").current());
            send(path, &body).await;
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
