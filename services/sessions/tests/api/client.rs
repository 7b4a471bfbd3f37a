//! `GET /v1/client`.

use chrono::TimeDelta;
use tessera_testkit::{json, on_every_database};

use crate::support::{client, cookie};

on_every_database! {
    async fn without_a_client_the_response_is_null_and_never_401(app: TestApp) {
        for call in [app.get("/v1/client"), app.get("/v1/client").cookie("tcl_nonsense"), app.get("/v1/client").bearer("x"), app.get("/v1/client?_is_native=1").header("authorization", "")] {
            let answer = call.send().await.expect(200);
            assert_eq!(answer.json(), json!({ "response": null, "client": null }));
            assert_eq!(answer.set_cookie("__client"), None);
        }
    }

    async fn shows_the_client_with_its_session_user_and_token(app: TestApp) {
        let cookie = cookie(&app, "ada@example.org").await;
        let client = client(&app, &cookie).await;
        let now = tessera_testkit::START.timestamp_millis();
        assert_eq!(client["object"], "client");
        assert_eq!((&client["created_at"], &client["updated_at"]), (&json!(now), &json!(now)));
        let session = &client["sessions"][0];
        assert_eq!(client["last_active_session_id"], session["id"]);
        assert!(session["id"].as_str().is_some_and(|id| id.starts_with("sess_") && id.len() == 32));
        assert_eq!((&session["status"], &session["factor_verification_age"]), (&json!("active"), &json!([0, -1])));
        assert_eq!(session["expire_at"], now + 30 * 60 * 1000);
        assert_eq!(session["user"]["object"], "user");
        assert_eq!(session["public_user_data"]["identifier"], "ada@example.org");
        assert!(session["user"].get("private_metadata").is_none());
        assert_eq!(session["last_active_token"]["jwt"].as_str().expect("a token").split('.').count(), 3);
    }

    async fn a_replaced_secret_sees_the_client_as_it_was_for_a_moment(app: TestApp) {
        let old = cookie(&app, "ada@example.org").await;
        let _ = app.post("/sign_up").json(&json!({ "email": "eve@example.org", "password": "Secret1*2*3*4*5*6" })).send().await.expect(201);
        app.advance(TimeDelta::seconds(1));
        let body = json!({ "username": "eve@example.org", "password": "Secret1*2*3*4*5*6" });
        let new = app.post("/auth/login").cookie(&old).json(&body).send().await.expect(200).set_cookie("__client").expect("a cookie");
        let count = |client: serde_json::Value| client["sessions"].as_array().map(Vec::len);
        assert_eq!(count(client(&app, &old).await), Some(1));
        assert_eq!(count(client(&app, &new).await), Some(2));
        app.advance(TimeDelta::seconds(5));
        assert_eq!(app.get("/v1/client").cookie(&old).send().await.expect(200).json(), json!({ "response": null, "client": null }));
    }

    async fn of_two_logins_with_one_cookie_at_once_one_gets_the_client_and_the_other_a_new_one(app: TestApp) {
        let password = "Secret1*2*3*4*5*6";
        for email in ["eve@example.org", "mallory@example.org"] {
            let _ = app.post("/sign_up").json(&json!({ "email": email, "password": password })).send().await.expect(201);
        }
        for _ in 0..5 {
            let shared = cookie(&app, "ada@example.org").await;
            app.advance(TimeDelta::seconds(1));
            let login = async |email: &str| {
                let body = json!({ "username": email, "password": password });
                app.post("/auth/login").cookie(&shared).json(&body).send().await.expect(200)
            };
            let (eve, mallory) = futures::join!(login("eve@example.org"), login("mallory@example.org"));
            let mut listed = Vec::new();
            for answer in [eve, mallory] {
                let client = client(&app, &answer.set_cookie("__client").expect("a cookie")).await;
                listed.push(client["sessions"].as_array().map_or(0, Vec::len));
            }
            listed.sort_unstable();
            assert_eq!(listed, [1, 2], "nobody sees a session that began with the same planted cookie");
        }
    }

    async fn malformed_presentations_are_told_apart(app: TestApp) {
        let rows = [
            (app.get("/v1/client").header("cookie", "__client=a; __client=b"), "cookie_invalid"),
            (app.get("/v1/client").bearer("x").header("origin", "http://localhost:1"), "origin_authorization_headers_conflict"),
            (app.get("/v1/client?__clerk_api_version=latest"), "api_version_invalid"),
        ];
        for (call, code) in rows {
            let answer = call.send().await.expect(400);
            let body = answer.json();
            assert_eq!(body["errors"][0]["code"], code);
            assert_eq!(body["clerk_trace_id"].as_str(), Some(answer.header("x-request-id")));
        }
        let _ = app.get("/v1/client?__clerk_api_version=2025-04-10").send().await.expect(200);
    }
}
