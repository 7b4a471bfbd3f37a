//! `/methods/email/verifiers/{verification_id}`.

use tessera_testkit::{Method, json, on_every_database};

use super::support::{Tenant, by_mail};

on_every_database! {
    async fn reading_shows_the_verification_and_changes_nothing(app: TestApp) {
        let shop = Tenant::of(&app);
        let (id, code) = shop.started(&by_mail("ada@example.org")).await;
        let data = json!({
            "verificationId": id, "consumer": "ada@example.org", "expiredOn": app.clock.now().timestamp() + 3600, "attempts": 0,
        });
        for path in [id.clone(), id.to_uppercase()] {
            assert_eq!(shop.get(&path).await.expect(200).json(), json!({ "status": 200, "data": data }));
        }
        let head = shop.call(Method::HEAD, &format!("/methods/email/verifiers/{id}")).send().await.expect(200);
        assert_eq!(head.text, "");
        let _ = shop.validate(&id, &json!({ "code": code })).await.expect(200);
    }

    async fn an_id_that_is_none_is_not_found(app: TestApp) {
        let shop = Tenant::of(&app);
        for id in ["x", "dc910ae0-7c67-4ace-8ebb-9edd4b5d8b0f", "'%20or%20'1'='1", "%C3%A9", "%ff", &"a".repeat(2000)] {
            assert_eq!(shop.get(id).await.expect(404).json(), json!({ "status": 404, "error": "Not found" }), "{id}");
        }
    }

    async fn deleting_ends_it_once(app: TestApp) {
        let shop = Tenant::of(&app);
        let (id, code) = shop.started(&by_mail("ada@example.org")).await;
        assert_eq!(shop.delete(&id).await.expect(200).json(), json!({ "status": 200 }));
        for answer in [shop.delete(&id).await, shop.get(&id).await, shop.validate(&id, &json!({ "code": code })).await] {
            assert_eq!(answer.expect(404).json(), json!({ "status": 404, "error": "Not found" }));
        }
    }
}
