//! `google_auth`: what is given to start a verification.

use chrono::TimeDelta;
use tessera_testkit::{Method, json, on_every_database};

use super::authenticator_app::{by_app, enrolled, validate};
use super::support::{Tenant, text, with, without};

on_every_database! {
    async fn every_rule_has_its_problem(app: TestApp) {
        let shop = Tenant::of(&app);
        let whole = || by_app("ada");
        let rows = [
            (without(whole(), "consumer"), "consumer", "is required"),
            (with(whole(), "consumer", json!("")), "consumer", "is not allowed to be empty"),
            (with(whole(), "consumer", json!(7)), "consumer", "must be a string"),
            (with(whole(), "consumer", json!("a\u{0}")), "consumer", "must not contain NUL"),
            (with(whole(), "consumer", json!("ä".repeat(128))), "consumer", "must be at most 255 bytes"),
            (with(whole(), "consumer", json!("ada\r\nBcc: eve")), "consumer", "must not contain control characters"),
            (with(whole(), "issuer", json!("Shop\n")), "issuer", "must not contain control characters"),
            (without(whole(), "issuer"), "issuer", "is required"),
            (with(whole(), "issuer", json!("")), "issuer", "is not allowed to be empty"),
            (with(whole(), "issuer", json!(null)), "issuer", "must be a string"),
            (with(whole(), "issuer", json!("a".repeat(256))), "issuer", "must be at most 255 bytes"),
            (without(whole(), "policy"), "policy", "is required"),
            (with(whole(), "policy", json!(1)), "policy", "must be an object"),
            (without(whole(), "policy.expiredOn"), "policy.expiredOn", "is required"),
            (with(whole(), "policy.expiredOn", json!("-01:00:00")), "policy.expiredOn", "expiredOn format is invalid"),
            (with(whole(), "policy.forcedVerificationId", json!("x")), "policy.forcedVerificationId", "must be a valid GUID"),
            (with(whole(), "policy.forcedCode", json!(123_456)), "policy.forcedCode", "must be a string"),
            (with(whole(), "payload", json!("x".repeat(4095))), "payload", "must be at most 4096 bytes"),
            (json!([]), "", "must be an object"),
        ];
        for (body, path, error) in rows {
            let expected = json!({ "status": 422, "error": "Invalid request", "details": [{ "path": path, "error": error }] });
            assert_eq!(shop.by("google_auth").initiate(&body).await.expect(422).json(), expected, "{body}");
        }
        let call = shop.call(Method::POST, "/methods/google_auth/actions/initiate?qr=gif").json(&json!({}));
        let problems = call.send().await.expect(422).json()["details"].clone();
        assert_eq!(problems, json!([
            { "path": "consumer", "error": "is required" }, { "path": "policy", "error": "is required" },
            { "path": "issuer", "error": "is required" }, { "path": "qr", "error": "must be svg or png" },
        ]));
    }

    async fn what_the_method_has_no_use_for_is_not_looked_at(app: TestApp) {
        // Without the scope for forced codes, for here they force nothing.
        let shop = Tenant { scope: "verify", ..Tenant::of(&app) };
        let mut body = by_app("not an address");
        body["template"] = json!(7);
        body["generateCode"] = json!({ "length": -1 });
        body["policy"]["forcedCode"] = json!("123456");
        let answer = shop.by("google_auth").initiate(&body).await.expect(200);
        assert!(!answer.text.contains("123456"));
        let id = text(&answer.json()["verificationId"]);
        let _ = validate(&shop, &id, "123456").await.expect(422);
    }

    async fn a_forced_id_that_is_used_again_replaces_for_its_own_consumer(app: TestApp) {
        let shop = Tenant::of(&app);
        let id = "DC910ae0-7c67-4ace-8ebb-9edd4b5d8b0f";
        let forced = |consumer: &str| with(by_app(consumer), "policy.forcedVerificationId", json!(id));
        let phone = enrolled(&shop, "ada").await;
        app.advance(TimeDelta::seconds(30));
        let said = shop.by("google_auth").initiate(&forced("ada")).await.expect(200).json();
        assert_eq!((&said["verificationId"], said.get("totpUri")), (&json!(id), None));
        let _ = validate(&shop, id, &phone.wrong()).await.expect(422);
        let details = json!([{ "path": "policy.forcedVerificationId", "error": "belongs to another consumer" }]);
        assert_eq!(shop.by("google_auth").initiate(&forced("eve")).await.expect(422).json()["details"], details);
        assert_eq!(shop.by("google_auth").initiate(&forced("ada")).await.expect(200).json()["attempts"], 0);
        let _ = validate(&shop, &id.to_lowercase(), &phone.code()).await.expect(200);
    }
}
