//! What replicas of the platform share, and that each can do without it.

#![cfg(test)]

use std::num::NonZeroU32;

use tessera_testkit::{Answer, Engine, SharedRedis, TestApp, absent_redis, json};

/// Limits as production has them: 50 attempts with a password in 15 minutes.
const LIMITS: [(&str, &str); 1] = [("TESSERA_LIMITS_ADDRESS_FACTOR", "1")];

const TWO: NonZeroU32 = NonZeroU32::MIN.saturating_add(1);

/// An attempt that is counted and costs no hash.
async fn attempt(app: &TestApp) -> Answer {
    app.post("/sign_in").body("application/json", "{").send().await
}

/// One attempt is earned back in `seconds`.
fn says_used_up(answer: Answer, seconds: u32) {
    let answer = answer.expect(429);
    assert_eq!(answer.header("ratelimit-policy"), "\"default\";q=50;w=900");
    let wait: u32 = answer.header("retry-after").parse().expect("seconds");
    assert!((1..=seconds).contains(&wait), "{wait}");
    assert_eq!(answer.header("ratelimit"), format!("\"default\";r=0;t={wait}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_by_address_is_one_for_all_replicas() {
    let Some(redis) = SharedRedis::lent() else { return };
    let one = TestApp::start_sharing(Engine::Sqlite, redis.replica(TWO), &LIMITS).await;
    let other = TestApp::start_sharing(Engine::Sqlite, redis.replica(TWO), &LIMITS).await;
    for _ in 0..25 {
        let _ = attempt(&one).await.expect(400);
        let _ = attempt(&other).await.expect(400);
    }
    says_used_up(attempt(&one).await, 18);
    says_used_up(attempt(&other).await, 18);
    // Another limit of the same address is another count.
    let _ = one.get("/identity/email_verification?token=x").send().await.expect(400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_everything_works_and_limits_are_stricter() {
    let app = TestApp::start_sharing(Engine::Sqlite, absent_redis(TWO), &LIMITS).await;
    let account = json!({ "email": "ada@example.org", "password": "Secret1*2*3*4*5*6" });
    let _ = app.post("/sign_up").json(&account).send().await.expect(201);
    let messages = app.get("/dev/messages?to=ada@example.org&wait=20").send().await.expect(200).json();
    assert!(messages[0]["body"].as_str().is_some_and(|body| body.contains("token=")));
    let session = app.post("/sign_in").json(&account).send().await.expect(201).header("x-session-token").to_owned();
    let _ = app.get("/sessions").bearer(&session).send().await.expect(200);
    for _ in 0..24 {
        let _ = attempt(&app).await.expect(400);
    }
    says_used_up(attempt(&app).await, 36);
}
