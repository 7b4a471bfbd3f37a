//! What holds for every operation of the platform, whichever context serves it.

#![cfg(test)]

use tessera_standalone::describe::{descriptions, internal_descriptions};
use tessera_testkit::{Answer, Engine, Method, TestApp, Value, json, on_every_database};

/// A path under each dialect that nothing is registered for, one that exists with a verb that takes a body, and how the dialect says an
/// accident: its media type and where its body names it.
struct Row {
    unknown: &'static str,
    wrong_verb: (Method, &'static str),
    body_to: &'static str,
    says: fn(&Answer) -> bool,
}

fn rows() -> Vec<Row> {
    let json_error = |answer: &Answer| answer.json()["error"].is_string();
    vec![
        Row { unknown: "/sign_nowhere", wrong_verb: (Method::PUT, "/sign_up"), body_to: "/sign_up", says: json_error },
        Row {
            unknown: "/v1/nowhere",
            wrong_verb: (Method::PUT, "/v1/client/sessions/x/tokens"),
            body_to: "/v1/client/sessions/x/tokens",
            says: |answer| {
                answer.json()["errors"][0]["code"].is_string() && answer.json()["clerk_trace_id"].is_string()
            },
        },
        Row {
            unknown: "/oauth2/nowhere",
            wrong_verb: (Method::GET, "/oauth2/token"),
            body_to: "/oauth2/token",
            says: json_error,
        },
        Row {
            unknown: "/auth/nowhere",
            wrong_verb: (Method::GET, "/auth/login"),
            body_to: "/auth/login",
            says: |answer| {
                answer.header("content-type") == "text/plain; charset=utf-8"
                    && !answer.header("x-error-code").is_empty()
            },
        },
        Row {
            unknown: "/nowhere",
            wrong_verb: (Method::POST, "/"),
            body_to: "/nowhere",
            says: |answer| {
                answer.header("content-type") == "application/problem+json" && answer.json()["request_id"].is_string()
            },
        },
    ]
}

on_every_database! {
    async fn an_unknown_path_is_404_in_the_dialect_of_its_prefix(app: TestApp) {
        for row in rows() {
            let answer = app.get(row.unknown).send().await.expect(404);
            assert!((row.says)(&answer), "{}: {}", row.unknown, answer.text);
            assert_eq!(answer.header("x-request-id").len(), 32);
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
        }
        let approval = app.get("/sessions/auth/nowhere").send().await.expect(404).json();
        assert!(approval["message"].is_string() && approval["requestId"].is_string());
    }

    async fn a_wrong_verb_is_405_and_names_the_right_ones(app: TestApp) {
        for row in rows() {
            let (method, path) = row.wrong_verb;
            let answer = app.request(method, path).send().await.expect(405);
            assert!((row.says)(&answer), "{path}: {}", answer.text);
            assert!(!answer.header("allow").is_empty(), "{path}");
        }
    }

    async fn a_body_over_64_kib_is_413_whether_it_says_so_or_not(app: TestApp) {
        for row in rows() {
            let announced = app.post(row.body_to).body("application/json", vec![b' '; 1024 * 1024]).send().await.expect(413);
            assert!((row.says)(&announced), "{}: {}", row.body_to, announced.text);
        }
        let chunks = futures::stream::iter((0..20).map(|_| Ok::<_, std::io::Error>(vec![b' '; 8 * 1024])));
        let _ = app.post("/sign_up").body("application/json", tessera_testkit::streamed(chunks)).send().await.expect(413);
    }

    async fn a_path_with_two_readings_is_404_before_any_handler(app: TestApp) {
        for path in ["//sign_up", "/sign_up;x", "/sign_up%2f", "/sign_up/"] {
            let answer = app.post(path).json(&json!({})).send().await;
            assert_eq!(answer.status, 404, "{path}");
        }
    }

    async fn malformed_json_and_wrong_types_are_clear_errors(app: TestApp) {
        let deep = "{\"a\":".repeat(10_000);
        for body in ["{", "[]", "\"x\"", "{\"email\":{}}", "{\"email\":[]}", "{\"email\":\"a\",\"email\":\"b\"}", &deep, "\u{feff}{}"] {
            for path in ["/sign_up", "/sign_in"] {
                let answer = app.post(path).body("application/json", body.to_owned()).send().await.expect(400);
                assert_eq!(answer.text, r#"{"status":400,"error":"Bad Request"}"#, "{path}");
            }
        }
        let _ = app.post("/sign_up").body("application/json", vec![0xff, 0xfe]).send().await.expect(400);
        let _ = app.post("/sign_up").body("text/plain", "{}").send().await.expect(415);
    }

    async fn health_and_descriptions_of_the_internal_listener_are_not_on_the_public_one(app: TestApp) {
        for path in ["/health/live", "/health/ready", "/metrics", "/internal/verify/initiate", "/admin/users"] {
            let _ = app.get(path).send().await.expect(404);
        }
    }

    async fn the_first_page_says_where_to_begin(app: TestApp) {
        let page = app.get("/").send().await.expect(200);
        assert!(page.text.contains(&app.origin) && page.text.contains("pk_test_") && page.text.contains("/dev/mailbox"));
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"));
        let _ = app.get("/docs/").send().await.expect(200);
        let described = app.get("/docs/auth.json").send().await.expect(200).json();
        assert!(described["paths"]["/sign_up"]["post"].is_object());
    }
}

#[test]
fn every_operation_is_described() {
    for (name, description) in descriptions().into_iter().chain(internal_descriptions()) {
        let description: Value = serde_json::to_value(&description).expect("JSON");
        assert!(description["openapi"].as_str().is_some_and(|version| version.starts_with("3.1")));
        for (path, item) in description["paths"].as_object().expect("paths") {
            for (verb, operation) in item.as_object().expect("verbs") {
                let summary = operation["summary"].as_str().unwrap_or_default();
                assert!(!summary.is_empty(), "{name}: {verb} {path} has no summary");
                assert!(
                    operation["responses"].as_object().is_some_and(|r| !r.is_empty()),
                    "{name}: {verb} {path} has no answers"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn production_has_no_dev_endpoints_and_no_dev_client() {
    let settings = [("TESSERA_PROFILE", "production")];
    let app = TestApp::start_with(Engine::Sqlite, &settings).await;
    for path in ["/dev/mailbox", "/dev/messages", "/docs/"] {
        let _ = app.get(path).send().await.expect(404);
    }
    let page = app.get("/").send().await.expect(200);
    assert!(!page.text.contains("tessera-dev-secret"));
}
