//! `POST /methods/email/actions/initiate`.

use chrono::TimeDelta;
use tessera_testkit::{Engine, Method, TestApp, Value, json, on_every_database};

use super::support::{Tenant, by_mail, mailed, mailed_after, mails, newest, other_than, text, with, without};

const ID: &str = "DC910ae0-7c67-4ace-8ebb-9edd4b5d8b0f";

fn forced(consumer: &str, id: &str) -> Value {
    with(by_mail(consumer), "policy.forcedVerificationId", json!(id))
}

on_every_database! {
    async fn answers_the_verification_and_never_its_code(app: TestApp) {
        let shop = Tenant::of(&app);
        let answer = shop.initiate(&with(by_mail("Ada@Example.org"), "payload", json!({ "your": "payload" }))).await.expect(200);
        let mut said = answer.json();
        let id = text(&said["verificationId"]);
        assert_eq!(uuid::Uuid::try_parse(&id).expect("a UUID").get_version_num(), 4);
        said.as_object_mut().expect("an object").remove("verificationId");
        let expired_on = app.clock.now().timestamp() + 3600;
        let expected = json!({
            "status": 200, "consumer": "Ada@Example.org", "expiredOn": expired_on, "payload": { "your": "payload" }, "attempts": 0,
        });
        assert_eq!(said, expected);
        let code = mailed(&app, "ada@example.org").await;
        assert!(code.len() == 6 && code.bytes().all(|byte| byte.is_ascii_digit()), "{code}");
        assert!(!answer.text.contains(&code));
    }

    async fn a_payload_comes_back_as_it_was_sent(app: TestApp) {
        let shop = Tenant::of(&app);
        for payload in [r#"{"z":1,"a":{"y":[2,1.50,1E5,-0,9007199254740993],"b":"\u00e9"},"m":null}"#, "null", "[]", "\"text\"", "0", "false"] {
            let rest = by_mail(&format!("a{}@example.org", payload.len())).to_string();
            let body = format!("{{\"payload\": {payload} ,{}", &rest[1..]);
            let initiate = shop.call(Method::POST, "/methods/email/actions/initiate").body("application/json", body);
            let answer = initiate.send().await.expect(200);
            let expected = format!("\"payload\":{payload}");
            assert!(answer.text.contains(&expected), "{}", answer.text);
            let id = text(&answer.json()["verificationId"]);
            assert!(shop.get(&id).await.expect(200).text.contains(&expected));
            assert!(shop.validate(&id, &json!({ "code": "wrong" })).await.expect(422).text.contains(&expected));
        }
        let answer = shop.initiate(&by_mail("none@example.org")).await.expect(200);
        assert_eq!(answer.json().get("payload"), None);
    }

    async fn every_rule_has_its_problem(app: TestApp) {
        let shop = Tenant::of(&app);
        let whole = || by_mail("ada@example.org");
        let deep = |depth: usize| serde_json::from_str::<Value>(&format!("{}{}", "[".repeat(depth), "]".repeat(depth))).expect("JSON");
        let rows = [
            (without(whole(), "consumer"), "consumer", "is required"),
            (with(whole(), "consumer", json!("")), "consumer", "is not allowed to be empty"),
            (with(whole(), "consumer", json!(1)), "consumer", "must be a string"),
            (with(whole(), "consumer", json!(null)), "consumer", "must be a string"),
            (with(whole(), "consumer", json!("ada")), "consumer", "must be a valid email"),
            (with(whole(), "consumer", json!(" ada@example.org")), "consumer", "must be a valid email"),
            (with(whole(), "consumer", json!("ada@example.org\r\nbcc: b@x.test")), "consumer", "must be a valid email"),
            (with(whole(), "consumer", json!("a@x.test,b@x.test")), "consumer", "must be a valid email"),
            (with(whole(), "consumer", json!("ada@example.org\u{0}")), "consumer", "must not contain NUL"),
            (without(whole(), "template"), "template", "is required"),
            (with(whole(), "template", json!("x")), "template", "must be an object"),
            (with(whole(), "template", json!(null)), "template", "must be an object"),
            (without(whole(), "template.body"), "template.body", "is required"),
            (with(whole(), "template.body", json!("")), "template.body", "is not allowed to be empty"),
            (with(whole(), "template.body", json!(["x"])), "template.body", "must be a string"),
            (with(whole(), "template.body", json!("a\u{0}")), "template.body", "must not contain NUL"),
            (with(whole(), "template.body", json!("{{{CODE}}}".repeat(21))), "template.body", "must have at most 20 placeholders"),
            (with(whole(), "template.subject", json!("")), "template.subject", "is not allowed to be empty"),
            (with(whole(), "template.subject", json!("a\r\nb: c")), "template.subject", "must not contain control characters"),
            (with(whole(), "template.fromEmail", json!("a\nb")), "template.fromEmail", "must not contain control characters"),
            (with(whole(), "template.fromName", json!("a\rb")), "template.fromName", "must not contain control characters"),
            (with(whole(), "template.fromName", json!(7)), "template.fromName", "must be a string"),
            (without(whole(), "generateCode"), "generateCode", "is required"),
            (with(whole(), "generateCode", json!(6)), "generateCode", "must be an object"),
            (without(whole(), "generateCode.length"), "generateCode.length", "is required"),
            (with(whole(), "generateCode.length", json!("six")), "generateCode.length", "Incorrect number format"),
            (with(whole(), "generateCode.length", json!(1.5)), "generateCode.length", "Incorrect number format"),
            (with(whole(), "generateCode.length", json!(-1)), "generateCode.length", "Incorrect number format"),
            (with(whole(), "generateCode.length", json!("")), "generateCode.length", "Incorrect number format"),
            (with(whole(), "generateCode.length", json!(true)), "generateCode.length", "Incorrect number format"),
            (with(whole(), "generateCode.length", json!(0)), "generateCode.length", "must be between 1 and 32"),
            (with(whole(), "generateCode.length", json!(33)), "generateCode.length", "must be between 1 and 32"),
            (with(whole(), "generateCode.length", json!(1_000_000_000_i64)), "generateCode.length", "must be between 1 and 32"),
            (without(whole(), "generateCode.symbolSet"), "generateCode.symbolSet", "is required"),
            (with(whole(), "generateCode.symbolSet", json!("DIGITS")), "generateCode.symbolSet", "must be an array"),
            (with(whole(), "generateCode.symbolSet", json!([])), "generateCode.symbolSet", "is not allowed to be empty"),
            (with(whole(), "generateCode.symbolSet", json!([""])), "generateCode.symbolSet", "must have no empty set"),
            (with(whole(), "generateCode.symbolSet", json!([1])), "generateCode.symbolSet", "must be an array of strings"),
            (with(whole(), "policy", json!([])), "policy", "must be an object"),
            (without(whole(), "policy.expiredOn"), "policy.expiredOn", "is required"),
            (with(whole(), "policy.expiredOn", json!("")), "policy.expiredOn", "is not allowed to be empty"),
            (with(whole(), "policy.expiredOn", json!(3600)), "policy.expiredOn", "must be a string"),
            (with(whole(), "policy.expiredOn", json!("3600")), "policy.expiredOn", "expiredOn format is invalid"),
            (with(whole(), "policy.expiredOn", json!("abc")), "policy.expiredOn", "expiredOn format is invalid"),
            (with(whole(), "policy.expiredOn", json!("00:00:00")), "policy.expiredOn", "expiredOn format is invalid"),
            (with(whole(), "policy.expiredOn", json!("-01:00:00")), "policy.expiredOn", "expiredOn format is invalid"),
            (with(whole(), "policy.expiredOn", json!("720:00:01")), "policy.expiredOn", "expiredOn format is invalid"),
            (with(whole(), "policy.forcedVerificationId", json!("x")), "policy.forcedVerificationId", "must be a valid GUID"),
            (
                with(whole(), "policy.forcedVerificationId", json!("dc910ae07c674ace8ebb9edd4b5d8b0f")),
                "policy.forcedVerificationId", "must be a valid GUID",
            ),
            (with(whole(), "policy.forcedVerificationId", json!(1)), "policy.forcedVerificationId", "must be a string"),
            (with(whole(), "policy.forcedCode", json!(123_456)), "policy.forcedCode", "must be a string"),
            (with(whole(), "policy.forcedCode", json!("")), "policy.forcedCode", "is not allowed to be empty"),
            (with(whole(), "payload", json!("x".repeat(4095))), "payload", "must be at most 4096 bytes"),
            (with(whole(), "payload", deep(9)), "payload", "must nest at most 8 deep"),
            (json!([]), "", "must be an object"),
        ];
        for (body, path, error) in rows {
            let expected = json!({ "status": 422, "error": "Invalid request", "details": [{ "path": path, "error": error }] });
            assert_eq!(shop.initiate(&body).await.expect(422).json(), expected, "{body}");
        }
        assert_eq!(app.get("/dev/messages").send().await.expect(200).json(), json!([]));
    }

    async fn all_problems_are_told_at_once_and_a_missing_body_is_an_empty_one(app: TestApp) {
        let shop = Tenant::of(&app);
        let details = json!([
            { "path": "consumer", "error": "is required" },
            { "path": "template", "error": "is required" },
            { "path": "policy", "error": "is required" },
            { "path": "generateCode", "error": "is required" },
        ]);
        let call = || shop.call(Method::POST, "/methods/email/actions/initiate");
        for call in [call().json(&json!({})), call().header("content-type", "application/json")] {
            assert_eq!(call.send().await.expect(422).json()["details"], details);
        }
    }

    async fn what_does_is_taken(app: TestApp) {
        let shop = Tenant::of(&app);
        let whole = |n: usize| by_mail(&format!("user{n}@example.org"));
        let deep = serde_json::from_str::<Value>(&format!("{}{}", "[".repeat(8), "]".repeat(8))).expect("JSON");
        for (n, (path, value)) in [
            ("generateCode.length", json!("6")), ("generateCode.length", json!(1)), ("generateCode.length", json!(32)),
            ("generateCode.symbolSet", json!(["ä", "alphas", "SYMBOLS"])), ("issuer", json!(7)), ("consumerx", json!(null)),
            ("template.fromEmail", json!("not an address")), ("payload", deep), ("payload", json!("x".repeat(4094))),
            ("template.body", json!("{{{CODE}}}".repeat(20))), ("consumer", json!("a@localhost")),
        ].into_iter().enumerate() {
            let _ = shop.initiate(&with(whole(n), path, value)).await.expect(200);
        }
    }

    async fn a_code_has_the_length_and_the_symbols_that_were_asked_for(app: TestApp) {
        let shop = Tenant::of(&app);
        for (n, (length, set, symbols)) in [
            (json!(1), json!(["DIGITS"]), "0123456789"),
            (json!("6"), json!(["alphas"]), "abcdefghijklmnopqrstuvwxyz"),
            (json!(32), json!(["ALPHAS"]), "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            (json!(32), json!(["SYMBOLS"]), "!@#$%^&*-+=|<>()[]{};:_"),
            (json!(32), json!(["äx", "y"]), "äxy"),
        ].into_iter().enumerate() {
            let to = format!("u{n}@example.org");
            let body = with(by_mail(&to), "template.body", json!("<{{{CODE}}}>"));
            let body = with(body, "generateCode", json!({ "length": length, "symbolSet": set }));
            let _ = shop.initiate(&body).await.expect(200);
            let sent = text(&mails(&app, &to).await[0]["body"]);
            let code = sent.strip_prefix('<').and_then(|rest| rest.strip_suffix('>')).expect("a code");
            let expected = length.as_u64().unwrap_or(6);
            assert_eq!(u64::try_from(code.chars().count()).expect("few"), expected, "{set}");
            assert!(code.chars().all(|symbol| symbols.contains(symbol)), "{code} of {set}");
        }
    }

    async fn the_deadline_is_now_and_the_lifetime(app: TestApp) {
        let shop = Tenant::of(&app);
        let now = app.clock.now().timestamp();
        for (n, (lifetime, seconds)) in [
            ("00:01:00", 60), ("24:00:00", 86_400), ("25:61:61", 93_721), ("01:00", 3_600), ("1.00:00:00", 86_400), ("PT1H", 3_600),
        ].into_iter().enumerate() {
            let body = with(by_mail(&format!("u{n}@example.org")), "policy.expiredOn", json!(lifetime));
            assert_eq!(shop.initiate(&body).await.expect(200).json()["expiredOn"], now + seconds, "{lifetime}");
        }
        // A part of a second is cut off.
        app.advance(TimeDelta::milliseconds(999));
        assert_eq!(shop.initiate(&by_mail("ada@example.org")).await.expect(200).json()["expiredOn"], now + 3_600);
    }

    async fn a_forced_code_wins_and_needs_its_scope(app: TestApp) {
        let shop = Tenant::of(&app);
        let body = with(without(by_mail("ada@example.org"), "generateCode"), "policy.forcedCode", json!("{{{VERIFICATION_ID}}}$&"));
        let (id, code) = shop.started(&body).await;
        assert_eq!(code, "{{{VERIFICATION_ID}}}$&");
        let _ = shop.validate(&id, &json!({ "code": code })).await.expect(200);
        let plain = Tenant { scope: "verify", ..shop };
        let answer = plain.initiate(&body).await.expect(403);
        assert_eq!(answer.json(), json!({ "status": 403, "error": "Forbidden" }));
        let _ = plain.initiate(&with(body.clone(), "consumer", json!(1))).await.expect(422);
        let _ = plain.initiate(&by_mail("ada@example.org")).await.expect(200);
        let beside = with(by_mail("ada@example.org"), "policy.forcedCode", json!("x"));
        let _ = shop.initiate(&with(beside, "generateCode.length", json!(0))).await.expect(422);
    }

    async fn the_mail_is_the_template_with_its_places_filled(app: TestApp) {
        let shop = Tenant::of(&app);
        let mut body = forced("ada@example.org", ID);
        body["policy"]["forcedCode"] = json!("<c>");
        body["template"] = json!({ "body": "{{{CODE}}}|{{{VERIFICATION_ID}}}|{{{CODE}}}|{{7*7}}|{{{ CODE }}}" });
        let _ = shop.initiate(&body).await.expect(200);
        let mail = mails(&app, "ada@example.org").await.remove(0);
        assert_eq!(mail["body"], format!("<c>|{ID}|<c>|{{{{7*7}}}}|{{{{{{ CODE }}}}}}"));
        assert_eq!((&mail["subject"], mail.get("from")), (&json!("Verification Email"), None));
        body["consumer"] = json!("eve@example.org");
        body["policy"]["forcedVerificationId"] = json!("00000000-0000-4000-8000-000000000000");
        body["template"] = json!({ "body": "x", "subject": "{{{CODE}}}", "fromName": "Shop", "fromEmail": "no-reply@shop.test" });
        let _ = shop.initiate(&body).await.expect(200);
        let mail = mails(&app, "eve@example.org").await.remove(0);
        assert_eq!((&mail["subject"], &mail["from"]), (&json!("{{{CODE}}}"), &json!("Shop <no-reply@shop.test>")));
    }

    async fn a_place_elsewhere_than_in_the_body_is_not_filled(app: TestApp) {
        let shop = Tenant::of(&app);
        let body = with(by_mail("{{{CODE}}}@example.org"), "payload", json!({ "{{{CODE}}}": "{{{VERIFICATION_ID}}}" }));
        let answer = shop.initiate(&with(body, "issuer", json!("{{{CODE}}}"))).await.expect(200).json();
        assert_eq!(answer["consumer"], "{{{CODE}}}@example.org");
        assert_eq!(answer["payload"], json!({ "{{{CODE}}}": "{{{VERIFICATION_ID}}}" }));
        assert_eq!(mails(&app, "{{{code}}}@example.org").await[0]["to"], "{{{CODE}}}@example.org");
    }

    async fn a_forced_id_that_is_used_again_replaces(app: TestApp) {
        let shop = Tenant::of(&app);
        let (id, first) = shop.started(&forced("ada@example.org", ID)).await;
        assert_eq!(id, ID);
        let _ = shop.validate(&id, &json!({ "code": other_than(&first) })).await.expect(422);
        app.advance(chrono::TimeDelta::minutes(5));
        let before = newest(&app, "ada@example.org").await;
        let again = shop.initiate(&with(forced("ADA@example.org", &ID.to_lowercase()), "payload", json!(2))).await.expect(200).json();
        assert_eq!(again["verificationId"], ID.to_lowercase());
        assert_eq!((&again["attempts"], &again["payload"]), (&json!(0), &json!(2)));
        assert_eq!(again["expiredOn"], app.clock.now().timestamp() + 3600);
        let second = mailed_after(&app, "ada@example.org", &before).await;
        if first != second {
            let answer = shop.validate(&id, &json!({ "code": first })).await.expect(422);
            assert_eq!(answer.json()["data"]["attempts"], 1);
        }
        let _ = shop.validate(&id, &json!({ "code": second })).await.expect(200);
    }

    async fn a_forced_id_is_its_consumers_for_as_long_as_it_lives(app: TestApp) {
        let shop = Tenant::of(&app);
        let (id, code) = shop.started(&forced("ada@example.org", ID)).await;
        let answer = shop.initiate(&forced("eve@example.org", ID)).await.expect(422);
        let details = json!([{ "path": "policy.forcedVerificationId", "error": "belongs to another consumer" }]);
        assert_eq!(answer.json()["details"], details);
        let _ = shop.validate(&id, &json!({ "code": code })).await.expect(200);
        let _ = shop.initiate(&forced("eve@example.org", ID)).await.expect(200);
    }

    async fn a_forced_id_of_another_tenant_is_no_hindrance_and_stays_as_it_is(app: TestApp) {
        let (shop, bank) = (Tenant::of(&app), Tenant { client: "bank", ..Tenant::of(&app) });
        let (id, code) = shop.started(&forced("ada@example.org", ID)).await;
        let _ = bank.initiate(&forced("eve@example.org", ID)).await.expect(200);
        assert_eq!(shop.get(&id).await.expect(200).json()["data"]["consumer"], "ada@example.org");
        assert_eq!(bank.get(&id).await.expect(200).json()["data"]["consumer"], "eve@example.org");
        let _ = shop.validate(&id, &json!({ "code": code })).await.expect(200);
        let _ = bank.get(&id).await.expect(200);
    }

    async fn a_recipient_gets_ten_messages_of_a_tenant_in_ten_minutes(app: TestApp) {
        let shop = Tenant::of(&app);
        for n in 0..10 {
            let consumer = if n % 2 == 0 { "ada@example.org" } else { "ADA@example.org" };
            let _ = shop.initiate(&by_mail(consumer)).await.expect(200);
        }
        let answer = shop.initiate(&by_mail("ada@example.org")).await.expect(429);
        assert_eq!(answer.json(), json!({ "status": 429, "error": "Too Many Requests" }));
        assert_eq!(answer.header("retry-after"), "601");
        let _ = shop.initiate(&by_mail("eve@example.org")).await.expect(200);
        let _ = Tenant { client: "bank", ..shop }.initiate(&by_mail("ada@example.org")).await.expect(200);
        app.advance(chrono::TimeDelta::minutes(10));
        let _ = shop.initiate(&by_mail("ada@example.org")).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_writes_to_as_many_as_it_has_from_one_address() {
    // As in production: a browser's address gets 20 mails an hour there.
    let app = TestApp::start_with(Engine::Sqlite, &[("TESSERA_LIMITS_ADDRESS_FACTOR", "1")]).await;
    let shop = Tenant::of(&app);
    for n in 0..50 {
        let _ = shop.initiate(&by_mail(&format!("user{n}@example.org"))).await.expect(200);
    }
}
