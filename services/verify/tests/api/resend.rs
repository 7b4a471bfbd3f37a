//! `POST /methods/{method}/actions/resend`.

use chrono::TimeDelta;
use tessera_storage::run;
use tessera_testkit::{Engine, TestApp, Value, json, on_every_database};

use super::support::{Tenant, by_mail, mailed_after, mails, newest, other_than, with, without};

const ADA: &str = "ada@example.org";
const PHONE: &str = "+4915112345678";

/// The request that sends the message of a verification again.
fn again(consumer: &str, id: &str) -> Value {
    with(by_mail(consumer), "policy.forcedVerificationId", json!(id))
}

fn problem(path: &str, error: &str) -> Value {
    json!({ "status": 422, "error": "Invalid request", "details": [{ "path": path, "error": error }] })
}

fn not_found() -> Value {
    json!({ "status": 404, "error": "Verification data not found" })
}

/// How many verifications have a code that can be sent again.
async fn sealed_codes(app: &TestApp) -> i64 {
    let mut conn = app.databases.verify.read().await.expect("a connection");
    run!(&mut conn, |e| sqlx::query_scalar("select count(sealed_code) from verifications").fetch_one(e))
        .expect("a count")
}

on_every_database! {
    async fn the_old_code_comes_again_and_the_deadline_moves(app: TestApp) {
        for (shop, consumer) in [(Tenant::of(&app), ADA), (Tenant::of(&app).by("phone"), PHONE)] {
            let (id, code) = shop.started(&with(by_mail(consumer), "payload", json!({ "a": 1 }))).await;
            let _ = shop.validate(&id, &json!({ "code": other_than(&code) })).await.expect(422);
            app.advance(TimeDelta::minutes(2));
            let before = newest(&app, consumer).await;
            let body = with(again(consumer, &id), "template.body", json!("again {{{CODE}}} {{{VERIFICATION_ID}}}"));
            let answer = shop.resend(&with(body, "policy.expiredOn", json!("02:00:00"))).await.expect(200);
            let expected = json!({
                "status": 200, "verificationId": id, "consumer": consumer, "attempts": 1, "payload": { "a": 1 },
                "expiredOn": app.clock.now().timestamp() + 7200,
            });
            assert_eq!(answer.json(), expected);
            assert!(!answer.text.contains(&code));
            assert_eq!(mailed_after(&app, consumer, &before).await, format!("again {code} {id}"));
            app.advance(TimeDelta::minutes(119));
            let data = shop.validate(&id, &json!({ "code": code })).await.expect(200).json();
            assert_eq!(data["data"]["attempts"], 1);
        }
    }

    async fn a_resend_changes_neither_code_nor_generation(app: TestApp) {
        let shop = Tenant::of(&app);
        let (id, code) = shop.started(&by_mail(ADA)).await;
        let before = newest(&app, ADA).await;
        let body = with(again(ADA, &id.to_uppercase()), "policy.forcedCode", json!("another"));
        // Without the scope for it, for it has no effect.
        let plain = Tenant { scope: "verify", ..shop };
        let answer = plain.resend(&with(body, "generateCode.length", json!(32))).await.expect(200).json();
        assert_eq!(answer["verificationId"], id);
        assert_eq!(mailed_after(&app, ADA, &before).await, code);
        let _ = shop.validate(&id, &json!({ "code": "another" })).await.expect(422);
        let _ = shop.validate(&id, &json!({ "code": code })).await.expect(200);
    }

    async fn a_payload_is_that_of_the_request_and_so_is_the_spelling_of_the_consumer(app: TestApp) {
        let shop = Tenant::of(&app);
        let (id, _) = shop.started(&with(by_mail(ADA), "payload", json!(1))).await;
        let answer = shop.resend(&with(again("Ada@Example.org", &id), "payload", json!({ "z": 1, "a": 2 }))).await.expect(200);
        assert!(answer.text.contains("\"payload\":{\"z\":1,\"a\":2}"), "{}", answer.text);
        assert_eq!(answer.json()["consumer"], "Ada@Example.org");
        assert_eq!(shop.resend(&with(again(ADA, &id), "payload", json!(null))).await.expect(200).json().get("payload"), Some(&json!(null)));
        assert_eq!(shop.resend(&again(ADA, &id)).await.expect(200).json().get("payload"), Some(&json!(null)));
        assert_eq!(shop.get(&id).await.expect(200).json()["data"]["consumer"], ADA);
    }

    async fn a_code_goes_to_nobody_but_whom_it_was_made_for(app: TestApp) {
        for (shop, consumer, another) in [
            (Tenant::of(&app), ADA, "eve@example.org"),
            (Tenant::of(&app).by("phone"), PHONE, "+4915112345679"),
        ] {
            let (id, code) = shop.started(&with(by_mail(consumer), "payload", json!(1))).await;
            let body = with(again(another, &id), "payload", json!(2));
            let refused = problem("consumer", "is not the consumer of this verification");
            assert_eq!(shop.resend(&body).await.expect(422).json(), refused);
            // Whether it would prolong is not even looked at.
            assert_eq!(shop.resend(&with(body, "policy.expiredOn", json!("abc"))).await.expect(422).json(), refused);
            app.platform.verify().deliver_due().await.expect("the queue can be read");
            assert_eq!(newest(&app, another).await, "");
            let data = shop.get(&id).await.expect(200).json();
            assert_eq!((&data["data"]["consumer"], &data["data"]["payload"]), (&json!(consumer), &json!(1)));
            let _ = shop.validate(&id, &json!({ "code": code })).await.expect(200);
        }
    }

    async fn the_checks_come_in_their_order(app: TestApp) {
        let shop = Tenant::of(&app);
        let (id, _) = shop.started(&by_mail(ADA)).await;
        let unknown = "00000000-0000-4000-8000-000000000000";
        let missing = without(again(ADA, &id), "policy.forcedVerificationId");
        let lifetime = |body: Value, life: &str| with(body, "policy.expiredOn", json!(life));
        // The body first, whatever is not there.
        for (path, error, body) in [
            ("consumer", "must be a valid email", again("ada", unknown)),
            ("template.body", "is required", without(again(ADA, unknown), "template.body")),
            ("generateCode", "is required", without(again(ADA, unknown), "generateCode")),
            ("generateCode.length", "must be between 1 and 32", with(again(ADA, unknown), "generateCode.length", json!(0))),
            ("policy.expiredOn", "is required", without(again(ADA, unknown), "policy.expiredOn")),
            ("policy.forcedVerificationId", "must be a valid GUID", again(ADA, "x")),
            ("payload", "must be at most 4096 bytes", with(again(ADA, unknown), "payload", json!("x".repeat(4095)))),
        ] {
            assert_eq!(shop.resend(&body).await.expect(422).json(), problem(path, error));
        }
        let by_app = shop.by("google_auth").resend(&again(ADA, unknown)).await.expect(422);
        assert_eq!(by_app.json(), problem("issuer", "is required"));
        // Then whether there is something to send again.
        for body in [lifetime(again(ADA, unknown), "abc"), lifetime(missing, "abc"), again(ADA, unknown)] {
            assert_eq!(shop.resend(&body).await.expect(404).json(), not_found());
        }
        // Then the lifetime as such, and at last whether it prolongs.
        for life in ["abc", "00:00:00", "3600", "720:00:01"] {
            assert_eq!(shop.resend(&lifetime(again(ADA, &id), life)).await.expect(422).json(), problem("policy.expiredOn", "expiredOn format is invalid"));
        }
        for life in ["-01:00:00", "00:59:59", "-PT1H"] {
            let answer = shop.resend(&lifetime(again(ADA, &id), life)).await.expect(403).json();
            assert_eq!(answer, json!({ "status": 403, "error": "Time of last send not yet pass" }), "{life}");
        }
        let first = newest(&app, ADA).await;
        let _ = shop.resend(&again(ADA, &id)).await.expect(200);
        let _ = mailed_after(&app, ADA, &first).await;
        assert_eq!(mails(&app, ADA).await.len(), 2);
    }

    async fn only_a_tenants_own_live_verification_of_that_method_is_sent_again(app: TestApp) {
        let shop = Tenant::of(&app);
        let (id, code) = shop.started(&by_mail(ADA)).await;
        let bank = Tenant { client: "bank", ..shop };
        assert_eq!(bank.resend(&again(ADA, &id)).await.expect(404).json(), not_found());
        assert_eq!(shop.by("phone").resend(&again(PHONE, &id)).await.expect(404).json(), not_found());
        let _ = shop.validate(&id, &json!({ "code": code })).await.expect(200);
        let proved = id;
        let (deleted, _) = shop.started(&by_mail(ADA)).await;
        let _ = shop.delete(&deleted).await.expect(200);
        let (exhausted, code) = shop.started(&by_mail(ADA)).await;
        for _ in 0..5 {
            let _ = shop.validate(&exhausted, &json!({ "code": other_than(&code) })).await.expect(422);
        }
        let (expired, _) = shop.started(&by_mail(ADA)).await;
        app.advance(TimeDelta::hours(1));
        for id in [proved, deleted, exhausted, expired] {
            assert_eq!(shop.resend(&again(ADA, &id)).await.expect(404).json(), not_found());
        }
        assert_eq!(mails(&app, ADA).await.len(), 4);
    }

    async fn a_verification_lives_30_days_however_often_it_is_sent_again(app: TestApp) {
        let shop = Tenant::of(&app);
        let issued = app.clock.now().timestamp();
        let (id, _) = shop.started(&with(by_mail(ADA), "policy.expiredOn", json!("10.00:00:00"))).await;
        app.advance(TimeDelta::days(9));
        let body = with(again(ADA, &id), "policy.expiredOn", json!("20.00:00:00"));
        assert_eq!(shop.resend(&body).await.expect(200).json()["expiredOn"], issued + 29 * 86_400);
        app.advance(TimeDelta::days(19));
        assert_eq!(shop.resend(&body).await.expect(200).json()["expiredOn"], issued + 30 * 86_400);
        app.advance(TimeDelta::days(2));
        let _ = shop.resend(&body).await.expect(404);
    }

    async fn what_is_sent_again_counts_as_a_message(app: TestApp) {
        for (shop, consumer) in [(Tenant::of(&app), ADA), (Tenant::of(&app).by("phone"), PHONE)] {
            let (id, code) = shop.started(&by_mail(consumer)).await;
            for _ in 0..9 {
                let _ = shop.resend(&again(consumer, &id)).await.expect(200);
            }
            app.advance(TimeDelta::minutes(1));
            let answer = shop.resend(&with(again(consumer, &id), "payload", json!(1))).await.expect(429);
            assert_eq!(answer.json(), json!({ "status": 429, "error": "Too Many Requests" }));
            assert_eq!((answer.header("retry-after"), answer.header("ratelimit-policy")), ("541", "\"default\";q=10;w=600"));
            // What was refused has changed nothing.
            let data = shop.get(&id).await.expect(200).json();
            assert_eq!((&data["data"]["expiredOn"], data["data"].get("payload")), (&json!(app.clock.now().timestamp() + 3540), None));
            let _ = shop.validate(&id, &json!({ "code": code })).await.expect(200);
        }
    }

    async fn a_text_message_that_the_old_code_makes_too_long_is_refused(app: TestApp) {
        let shop = Tenant::of(&app).by("phone");
        let (id, _) = shop.started(&with(by_mail(PHONE), "generateCode.length", json!(32))).await;
        let body = with(again(PHONE, &id), "template.body", json!(format!("{}{{{{{{CODE}}}}}}", "x".repeat(460))));
        assert_eq!(shop.resend(&body).await.expect(422).json(), problem("template.body", "must be at most 480 characters"));
        assert_eq!(mails(&app, PHONE).await.len(), 1);
    }

    async fn a_replaced_code_is_not_sent_again(app: TestApp) {
        let shop = Tenant::of(&app);
        let (id, first) = shop.started(&with(by_mail(ADA), "generateCode.length", json!(20))).await;
        let (_, second) = shop.started(&with(again(ADA, &id), "generateCode.length", json!(20))).await;
        assert_ne!(first, second);
        let before = newest(&app, ADA).await;
        let _ = shop.resend(&again(ADA, &id)).await.expect(200);
        assert_eq!(mailed_after(&app, ADA, &before).await, second);
    }

    async fn a_code_that_cannot_be_sent_again_is_not_kept(app: TestApp) {
        let shop = Tenant::of(&app);
        let body = |n: usize| with(by_mail(&format!("user{n}@example.org")), "policy.forcedCode", json!("a very plain code"));
        let (proved, code) = shop.started(&body(1)).await;
        let (deleted, _) = shop.started(&body(2)).await;
        let (_, _) = shop.started(&body(3)).await;
        {
            let mut conn = app.databases.verify.read().await.expect("a connection");
            let sealed: Vec<Vec<u8>> = run!(&mut conn, |e| sqlx::query_scalar("select sealed_code from verifications").fetch_all(e)).expect("rows");
            assert!(sealed.len() == 3 && sealed.iter().all(|sealed| !sealed.windows(5).any(|part| part == b"plain")));
        }
        let _ = shop.validate(&proved, &json!({ "code": code })).await.expect(200);
        let _ = shop.delete(&deleted).await.expect(200);
        assert_eq!(sealed_codes(&app).await, 1);
        app.advance(TimeDelta::hours(1));
        app.platform.verify().sweep().await.expect("swept");
        assert_eq!(sealed_codes(&app).await, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_has_to_wait_as_long_as_is_set() {
    let app = TestApp::start_with(Engine::Sqlite, &[("TESSERA_VERIFY_RESEND_TIMEOUT_S", "60")]).await;
    let shop = Tenant::of(&app);
    let (id, _) = shop.started(&by_mail(ADA)).await;
    app.advance(TimeDelta::seconds(60) - TimeDelta::microseconds(1));
    let _ = shop.resend(&again(ADA, &id)).await.expect(403);
    app.advance(TimeDelta::microseconds(1));
    let _ = shop.resend(&again(ADA, &id)).await.expect(200);
    let _ = shop.resend(&again(ADA, &id)).await.expect(403);
    // A longer lifetime makes the wait shorter: it is the end of the verification that counts.
    let _ = shop.resend(&with(again(ADA, &id), "policy.expiredOn", json!("01:01:00"))).await.expect(200);
}
