//! `POST /methods/{method}/actions/status` and `/remove`.

use tessera_testkit::{Answer, Method, Value, json, on_every_database};

use super::authenticator_app::{enrolled, initiated, scanned, validate};
use super::support::{Tenant, text, without};

async fn act(shop: &Tenant<'_>, method: &str, action: &str, consumer: &str) -> Answer {
    let call = shop.call(Method::POST, &format!("/methods/{method}/actions/{action}"));
    call.json(&json!({ "consumer": consumer })).send().await
}

async fn codes(shop: &Tenant<'_>, consumer: &str) -> (String, Vec<String>) {
    let body = json!({ "consumer": consumer, "policy": { "expiredOn": "01:00:00" } });
    let said = shop.by("backup_code").initiate(&body).await.expect(200).json();
    let codes = said["backupCodes"].as_array().map(|codes| codes.iter().map(text).collect());
    (text(&said["verificationId"]), codes.unwrap_or_default())
}

on_every_database! {
    async fn the_status_of_an_authenticator_is_whether_it_was_confirmed(app: TestApp) {
        let shop = Tenant::of(&app);
        let enrolled_is = async |enrolled: bool| {
            let expected = json!({ "status": 200, "data": { "consumer": "ada", "enrolled": enrolled } });
            assert_eq!(act(&shop, "google_auth", "status", "ada").await.expect(200).json(), expected);
        };
        enrolled_is(false).await;
        let (id, phone) = scanned(&shop, "ada").await;
        enrolled_is(false).await;
        let _ = validate(&shop, &id, &phone.code()).await.expect(200);
        enrolled_is(true).await;
        let bank = Tenant { client: "bank", ..shop };
        assert_eq!(act(&bank, "google_auth", "status", "ada").await.expect(200).json()["data"]["enrolled"], false);
        assert_eq!(act(&shop, "google_auth", "remove", "ada").await.expect(200).json(), json!({ "status": 200 }));
        enrolled_is(false).await;
    }

    async fn the_status_of_backup_codes_is_how_many_are_left(app: TestApp) {
        let shop = Tenant::of(&app);
        let status_is = async |enrolled: bool, left: i64| {
            let data = json!({ "consumer": "ada", "enrolled": enrolled, "backupCodesLeft": left });
            let answer = act(&shop, "backup_code", "status", "ada").await.expect(200).json();
            assert_eq!(answer, json!({ "status": 200, "data": data }));
        };
        status_is(false, 0).await;
        let (id, codes) = codes(&shop, "ada").await;
        status_is(true, 10).await;
        let _ = shop.by("backup_code").validate(&id, &json!({ "code": codes[0] })).await.expect(200);
        status_is(true, 9).await;
        let _ = act(&shop, "backup_code", "remove", "ada").await.expect(200);
        status_is(false, 0).await;
    }

    async fn removing_needs_no_code_and_ends_what_there_was(app: TestApp) {
        let shop = Tenant::of(&app);
        let bank = Tenant { client: "bank", ..shop };
        let phone = enrolled(&shop, "ada").await;
        let (open, _) = initiated(&shop, "ada").await;
        assert_eq!(act(&bank, "google_auth", "remove", "ada").await.expect(404).json(), json!({ "status": 404, "error": "Not found" }));
        let _ = act(&shop, "google_auth", "remove", "ada").await.expect(200);
        let _ = act(&shop, "google_auth", "remove", "ada").await.expect(404);
        let _ = validate(&shop, &open, &phone.code_in(1)).await.expect(404);
        assert!(initiated(&shop, "ada").await.1.is_some());
        // What waits to be confirmed is dropped as well.
        let _ = act(&shop, "google_auth", "remove", "ada").await.expect(200);
        let (open, codes) = codes(&shop, "ada").await;
        let _ = act(&bank, "backup_code", "remove", "ada").await.expect(404);
        let _ = act(&shop, "backup_code", "remove", "ada").await.expect(200);
        let _ = act(&shop, "backup_code", "remove", "ada").await.expect(404);
        let _ = shop.by("backup_code").validate(&open, &json!({ "code": codes[0] })).await.expect(404);
    }

    async fn what_was_not_sent_is_not_sent_again(app: TestApp) {
        let shop = Tenant::of(&app);
        for (method, issuer, error) in [("google_auth", "Shop", "google_auth not supported"), ("backup_code", "", "backup_code not supported")] {
            let body = json!({ "consumer": "ada", "issuer": issuer, "policy": { "expiredOn": "01:00:00" } });
            let call = |body: &Value| shop.call(Method::POST, &format!("/methods/{method}/actions/resend")).json(body);
            let expected = json!({ "status": 422, "error": "Invalid request", "details": [{ "path": "method", "error": error }] });
            assert_eq!(call(&body).send().await.expect(422).json(), expected);
            let details = json!([{ "path": "consumer", "error": "is required" }]);
            assert_eq!(call(&without(body, "consumer")).send().await.expect(422).json()["details"], details);
        }
    }

    async fn what_keeps_nothing_has_no_status(app: TestApp) {
        let shop = Tenant::of(&app);
        for action in ["status", "remove"] {
            for (method, error) in [("email", "email not supported"), ("phone", "phone not supported")] {
                let expected = json!({ "status": 422, "error": "Invalid request", "details": [{ "path": "method", "error": error }] });
                assert_eq!(act(&shop, method, action, "ada@example.org").await.expect(422).json(), expected);
            }
            let _ = act(&shop, "nothing", action, "ada").await.expect(404);
            for (body, error) in [
                (json!({}), "is required"), (json!({ "consumer": "" }), "is not allowed to be empty"), (json!({ "consumer": 1 }), "must be a string"),
            ] {
                let call = shop.call(Method::POST, &format!("/methods/google_auth/actions/{action}")).json(&body);
                let details = json!([{ "path": "consumer", "error": error }]);
                assert_eq!(call.send().await.expect(422).json()["details"], details);
            }
            let path = format!("/methods/google_auth/actions/{action}");
            let call = || app.post(&path).json(&json!({ "consumer": "ada" }));
            assert_eq!(call().header("accept", "application/json").send().await.expect(401).json()["error"], "Not Authorized");
            let _ = call().header("accept", "text/html").bearer(&shop.token()).send().await.expect(406);
        }
    }
}
