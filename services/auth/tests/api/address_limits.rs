//! What one address may try, whomever it concerns. Kept in memory here, so one engine is enough.

use tessera_testkit::{Answer, Engine, TestApp, json};

use crate::support::{PASSWORD, sign_in, sign_up};

/// Limits as production has them.
async fn strict() -> TestApp {
    TestApp::start_with(Engine::Sqlite, &[("TESSERA_LIMITS_ADDRESS_FACTOR", "1")]).await
}

/// A request that is counted before it is read.
async fn malformed(app: &TestApp, path: &str) -> Answer {
    app.post(path).body("application/json", "{").send().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_passwords_in_15_minutes_by_either_api() {
    let app = strict().await;
    for _ in 0..25 {
        let _ = malformed(&app, "/sign_in").await.expect(400);
        let _ = malformed(&app, "/auth/login").await.expect(400);
    }
    let limited = malformed(&app, "/sign_in").await.expect(429);
    assert_eq!(limited.json(), json!({ "error": "You've exceeded the maximum number of attempts" }));
    let login = json!({ "username": "ada@example.org", "password": PASSWORD });
    let limited = app.post("/auth/login").json(&login).send().await.expect(429);
    assert_eq!(limited.header("ratelimit-policy"), "\"default\";q=50;w=900");
    assert!(limited.header("retry-after").parse::<u32>().is_ok_and(|seconds| (1..=18).contains(&seconds)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_mails_in_an_hour_to_whomever() {
    let app = strict().await;
    sign_up(&app, "ada@example.org").await;
    let token = sign_in(&app, "ada@example.org").await;
    let again = || app.post("/identity/email_verification").bearer(&token).send();
    // The recipient has had a mail just now, so this one is refused for that; it counts all the same.
    assert_eq!(again().await.expect(429).header("ratelimit-policy"), "\"default\";q=1;w=30");
    for _ in 0..18 {
        let _ = malformed(&app, "/sign_up").await.expect(400);
    }
    let body = json!({ "email": "eve@example.org", "password": PASSWORD });
    let limited = app.post("/sign_up").json(&body).send().await.expect(429);
    assert_eq!(limited.header("ratelimit-policy"), "\"default\";q=20;w=3600");
    app.advance(chrono::TimeDelta::minutes(1));
    assert_eq!(again().await.expect(429).header("ratelimit-policy"), "\"default\";q=20;w=3600");
    let _ = app.post("/sign_in").json(&body).send().await.expect(401);
}
