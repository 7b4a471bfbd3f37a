//! `phone`: what differs from `email`.

use chrono::TimeDelta;
use tessera_testkit::{Engine, TestApp, json, on_every_database};

use super::support::{Tenant, by_mail, mailed, mails, other_than, text, with, without};

const ADA: &str = "+4915112345678";

/// The `n`th number of a range.
fn number(range: &str, n: usize) -> String {
    format!("{range}{n:06}")
}

on_every_database! {
    async fn a_texted_code_proves_a_number_once(app: TestApp) {
        let shop = Tenant::of(&app).by("phone");
        let (id, code) = shop.started(&with(by_mail(ADA), "payload", json!({ "your": "payload" }))).await;
        assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
        let message = mails(&app, ADA).await.remove(0);
        assert_eq!((&message["channel"], &message["to"], &message["body"]), (&json!("sms"), &json!(ADA), &json!(code)));
        assert_eq!((&message["subject"], message.get("from")), (&json!(null), None));
        let wrong = shop.validate(&id, &json!({ "code": other_than(&code) })).await.expect(422).json();
        assert_eq!(wrong["data"]["attempts"], 1);
        let data = json!({
            "verificationId": id, "consumer": ADA, "expiredOn": app.clock.now().timestamp() + 3600,
            "payload": { "your": "payload" }, "attempts": 1,
        });
        let shown = json!({ "status": 200, "data": data });
        assert_eq!(shop.get(&id).await.expect(200).json(), shown);
        assert_eq!(shop.validate(&id, &json!({ "code": code })).await.expect(200).json(), shown);
        let _ = shop.validate(&id, &json!({ "code": code })).await.expect(404);
    }

    async fn the_text_message_is_the_template_with_its_places_filled(app: TestApp) {
        let shop = Tenant::of(&app).by("phone");
        let mut body = with(by_mail(ADA), "policy.forcedVerificationId", json!("DC910ae0-7c67-4ace-8ebb-9edd4b5d8b0f"));
        body["policy"]["forcedCode"] = json!("<ç>");
        body["template"] = json!({ "body": "{{{CODE}}}\n{{{VERIFICATION_ID}}} {{{CODE}}} {{7*7}}", "subject": 7, "fromEmail": "a\nb", "fromName": "" });
        let _ = shop.initiate(&body).await.expect(200);
        assert_eq!(mailed(&app, ADA).await, "<ç>\nDC910ae0-7c67-4ace-8ebb-9edd4b5d8b0f <ç> {{7*7}}");
    }

    async fn a_verification_is_found_under_its_own_method_only(app: TestApp) {
        let (mail, phone) = (Tenant::of(&app), Tenant::of(&app).by("phone"));
        let (id, code) = phone.started(&by_mail(ADA)).await;
        let _ = mail.get(&id).await.expect(404);
        let _ = mail.validate(&id, &json!({ "code": code })).await.expect(404);
        let _ = mail.delete(&id).await.expect(404);
        let _ = phone.delete(&id).await.expect(200);
        let _ = phone.get(&id).await.expect(404);
    }

    async fn every_rule_has_its_problem(app: TestApp) {
        let shop = Tenant::of(&app).by("phone");
        let whole = || by_mail(ADA);
        let (invalid, long) = ("must be a valid phone number", "must be at most 480 characters");
        let controls = "must have no control characters but line feeds";
        let forced = |code: &str| with(whole(), "policy.forcedCode", json!(code));
        let mut rows = vec![
            (without(whole(), "consumer"), "consumer", "is required"),
            (with(whole(), "consumer", json!(4_915_112_345_678_i64)), "consumer", "must be a string"),
            (without(whole(), "template"), "template", "is required"),
            (without(whole(), "template.body"), "template.body", "is required"),
            (with(whole(), "template.body", json!("x".repeat(481))), "template.body", long),
            (with(whole(), "template.body", json!("ü".repeat(481))), "template.body", long),
            // 475 characters and six that come of ten.
            (with(whole(), "template.body", json!(format!("{}{{{{{{CODE}}}}}}", "x".repeat(475)))), "template.body", long),
            // 470 characters and one that comes of ten: too long as it was sent.
            (with(with(whole(), "template.body", json!(format!("{}{{{{{{CODE}}}}}}", "x".repeat(471)))), "generateCode.length", json!(1)), "template.body", long),
            (with(whole(), "template.body", json!("{{{VERIFICATION_ID}}}".repeat(14))), "template.body", long),
            (with(whole(), "template.body", json!("{{{CODE}}}".repeat(21))), "template.body", "must have at most 20 placeholders"),
            (with(whole(), "template.body", json!("a\r\nb")), "template.body", controls),
            (with(whole(), "template.body", json!("a\tb")), "template.body", controls),
            (with(whole(), "template.body", json!("a\u{7f}")), "template.body", controls),
            (with(forced(&"x".repeat(481)), "template.body", json!("{{{CODE}}}")), "template.body", long),
            (forced("a\rb"), "policy.forcedCode", "must not contain control characters"),
            (with(whole(), "generateCode.symbolSet", json!(["a\n"])), "generateCode.symbolSet", "must not contain control characters"),
            (with(whole(), "generateCode.length", json!(33)), "generateCode.length", "must be between 1 and 32"),
            (with(whole(), "policy.expiredOn", json!("abc")), "policy.expiredOn", "expiredOn format is invalid"),
        ];
        for wrong in ["ada@example.org", "4915112345678", "+0151123456", "+123456", "+1234567890123456", "+49 15112345678", " +4915112345678"] {
            rows.push((with(whole(), "consumer", json!(wrong)), "consumer", invalid));
        }
        for (body, path, error) in rows {
            let expected = json!({ "status": 422, "error": "Invalid request", "details": [{ "path": path, "error": error }] });
            assert_eq!(shop.initiate(&body).await.expect(422).json(), expected, "{body}");
        }
        assert_eq!(app.get("/dev/messages").send().await.expect(200).json(), json!([]));
    }

    async fn all_problems_are_told_at_once(app: TestApp) {
        let shop = Tenant::of(&app).by("phone");
        let (invalid, long) = ("must be a valid phone number", "must be at most 480 characters");
        let controls = "must not contain control characters";
        let too_long = || with(by_mail("+49"), "template.body", json!("x".repeat(481)));
        let broken = || with(with(by_mail("+49"), "template.body", json!("a\rb")), "generateCode.symbolSet", json!(["\r"]));
        let rows = [
            (too_long(), vec![("consumer", invalid), ("template.body", long)]),
            (without(too_long(), "policy"), vec![("consumer", invalid), ("policy", "is required"), ("template.body", long)]),
            (
                without(too_long(), "generateCode"),
                vec![("consumer", invalid), ("generateCode", "is required"), ("template.body", long)],
            ),
            // 476 characters as it was given, 491 as it would be sent.
            (
                with(too_long(), "template.body", json!(format!("{}{{{{{{VERIFICATION_ID}}}}}}", "x".repeat(455)))),
                vec![("consumer", invalid), ("template.body", long)],
            ),
            (
                with(broken(), "generateCode.length", json!(0)),
                vec![
                    ("consumer", invalid),
                    ("template.body", "must have no control characters but line feeds"),
                    ("generateCode.length", "must be between 1 and 32"),
                    ("generateCode.symbolSet", controls),
                ],
            ),
            (
                with(without(with(by_mail("+49"), "policy.forcedCode", json!("\r")), "template"), "policy.expiredOn", json!("abc")),
                vec![
                    ("consumer", invalid),
                    ("template", "is required"),
                    ("policy.expiredOn", "expiredOn format is invalid"),
                    ("policy.forcedCode", controls),
                ],
            ),
        ];
        for (body, problems) in rows {
            let details: Vec<_> = problems.iter().map(|(path, error)| json!({ "path": path, "error": error })).collect();
            assert_eq!(shop.initiate(&body).await.expect(422).json()["details"], json!(details), "{body}");
        }
    }

    async fn what_does_is_taken(app: TestApp) {
        let shop = Tenant::of(&app).by("phone");
        for (n, body) in ["x".repeat(480), "ü".repeat(480), format!("{}{{{{{{CODE}}}}}}", "x".repeat(470)), "a\nb".to_owned()].into_iter().enumerate() {
            let _ = shop.initiate(&with(by_mail(&number("+1202555", n)), "template.body", json!(body))).await.expect(200);
        }
        for consumer in ["+1234567", "+123456789012345"] {
            let _ = shop.initiate(&by_mail(consumer)).await.expect(200);
        }
    }

    async fn a_forced_code_needs_its_scope(app: TestApp) {
        let plain = Tenant { scope: "verify", ..Tenant::of(&app).by("phone") };
        let body = with(by_mail(ADA), "policy.forcedCode", json!("0000"));
        assert_eq!(plain.initiate(&body).await.expect(403).json(), json!({ "status": 403, "error": "Forbidden" }));
    }

    async fn a_forced_id_is_its_numbers(app: TestApp) {
        let shop = Tenant::of(&app).by("phone");
        let forced = |consumer: &str| with(by_mail(consumer), "policy.forcedVerificationId", json!("dc910ae0-7c67-4ace-8ebb-9edd4b5d8b0f"));
        let (id, first) = shop.started(&forced(ADA)).await;
        let answer = shop.initiate(&forced("+4915112345679")).await.expect(422).json();
        assert_eq!(text(&answer["details"][0]["error"]), "belongs to another consumer");
        let (_, second) = shop.started(&forced(ADA)).await;
        if first != second {
            let _ = shop.validate(&id, &json!({ "code": first })).await.expect(422);
        }
        let _ = shop.validate(&id, &json!({ "code": second })).await.expect(200);
    }

    async fn a_number_gets_ten_messages_in_ten_minutes_of_all_tenants_together(app: TestApp) {
        let shop = Tenant::of(&app).by("phone");
        let bank = Tenant { client: "bank", ..shop };
        for n in 0..10 {
            let _ = [shop, bank][n % 2].initiate(&by_mail(ADA)).await.expect(200);
        }
        for tenant in [shop, bank] {
            let answer = tenant.initiate(&by_mail(ADA)).await.expect(429);
            assert_eq!(answer.json(), json!({ "status": 429, "error": "Too Many Requests" }));
            assert_eq!(answer.header("retry-after"), "601");
            assert_eq!(answer.header("ratelimit"), "\"default\";r=0;t=601");
            assert_eq!(answer.header("ratelimit-policy"), "\"default\";q=10;w=600");
        }
        let _ = shop.initiate(&by_mail("+4915112345679")).await.expect(200);
        app.advance(TimeDelta::minutes(10));
        let _ = shop.initiate(&by_mail(ADA)).await.expect(200);
    }
}

/// A platform that sends text messages to German numbers, and to few of them.
async fn small(engine: Engine) -> TestApp {
    let allowed = ("TESSERA_VERIFY_SMS_ALLOWED_PREFIXES", "[\"+49\", \"+4930\"]");
    let (an_hour, a_day) = (("TESSERA_VERIFY_SMS_PREFIX_BUDGET", "3"), ("TESSERA_VERIFY_SMS_TENANT_BUDGET", "5"));
    TestApp::start_with(engine, &[allowed, an_hour, a_day]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_allowed_regions_are_written_to() {
    let app = small(Engine::Sqlite).await;
    let shop = Tenant::of(&app).by("phone");
    for consumer in ["+12025550123", "+48501234567", "+441632960000"] {
        let answer = shop.initiate(&by_mail(consumer)).await.expect(422).json();
        assert_eq!(answer["details"], json!([{ "path": "consumer", "error": "is not in an allowed region" }]));
    }
    let _ = shop.initiate(&by_mail(ADA)).await.expect(200);
}

async fn budgets_are_kept(engine: Engine) {
    let app = small(engine).await;
    let shop = Tenant::of(&app).by("phone");
    let bank = Tenant { client: "bank", ..shop };
    for n in 0..3 {
        let _ = [shop, bank][n % 2].initiate(&by_mail(&number("+49151", n))).await.expect(200);
    }
    let refused = shop.initiate(&by_mail(&number("+49151", 3))).await.expect(429);
    assert_eq!((refused.header("retry-after"), refused.header("ratelimit-policy")), ("3601", "\"default\";q=3;w=3600"));
    let _ = bank.initiate(&by_mail(&number("+49160", 4))).await.expect(429);
    // A longer prefix is a budget of its own, and what was refused was not counted elsewhere.
    for n in 0..3 {
        let _ = shop.initiate(&by_mail(&number("+4930", n))).await.expect(200);
    }
    app.advance(TimeDelta::hours(1));
    let refused = shop.initiate(&by_mail(&number("+49151", 5))).await.expect(429);
    assert_eq!(refused.header("ratelimit-policy"), "\"default\";q=5;w=86400");
    assert_eq!(refused.header("retry-after"), "82801");
    let _ = bank.initiate(&by_mail(&number("+49151", 6))).await.expect(200);
    let _ = shop.by("email").initiate(&by_mail("ada@example.org")).await.expect(200);
    app.advance(TimeDelta::hours(23));
    let _ = shop.initiate(&by_mail(&number("+49151", 7))).await.expect(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_messages_have_a_budget_by_prefix_and_hour_and_one_by_tenant_and_day_on_sqlite() {
    budgets_are_kept(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_messages_have_a_budget_by_prefix_and_hour_and_one_by_tenant_and_day_on_postgres() {
    if Engine::postgres_is_wanted() {
        budgets_are_kept(Engine::Postgres).await;
    }
}
