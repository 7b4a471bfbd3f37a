//! `POST /auth/login`.

use tessera_testkit::{Answer, TestApp, json, on_every_database};

use crate::support::{PASSWORD, sign_up};

async fn log_in(app: &TestApp, query: &str, password: &str) -> Answer {
    let body = json!({ "username": "ada@example.org", "password": password });
    app.post(&format!("/auth/login{query}")).json(&body).send().await
}

on_every_database! {
    async fn signs_a_browser_in_and_hands_a_first_party_application_a_token(app: TestApp) {
        sign_up(&app, "ada@example.org").await;
        let answer = log_in(&app, "", PASSWORD).await.expect(200);
        let body = answer.json();
        assert_eq!(
            (&body["email"], &body["applicationId"], &body["mode"], &body["mfaRequired"]),
            (&json!("ada@example.org"), &json!("tessera-dev"), &json!("authentication"), &json!(false))
        );
        assert_eq!((&body["tokenType"], &body["expiresIn"], &body["access_token"]), (&json!("Bearer"), &json!(300), &body["accessToken"]));
        assert_eq!(body["accessToken"].as_str().expect("a token").split('.').count(), 3);

        let cookie = answer.set_cookie("__client").expect("the client cookie");
        assert!(cookie.starts_with("tcl_"));
        assert_eq!(answer.set_cookie("__client_uat"), Some("1768471200".to_owned()));
        let client = app.get("/v1/client").cookie(&cookie).send().await.expect(200).json();
        assert_eq!(client["response"]["sessions"].as_array().map(Vec::len), Some(1));
        assert_eq!(client["response"]["sessions"][0]["user"]["email_addresses"][0]["email_address"], "ada@example.org");
    }

    async fn unknown_user_and_wrong_password_are_one_answer(app: TestApp) {
        sign_up(&app, "ada@example.org").await;
        let wrong = log_in(&app, "", "wrong").await.expect(400);
        let unknown = app.post("/auth/login").json(&json!({ "username": "nobody@example.org", "password": PASSWORD })).send().await.expect(400);
        assert_eq!(wrong.text, unknown.text);
        assert_eq!((wrong.text.as_str(), wrong.header("x-error-code")), ("invalid credentials", "invalid_credentials"));
        assert_eq!((wrong.set_cookie("__client"), unknown.set_cookie("__client")), (None, None));
    }

    async fn an_unknown_application_is_404(app: TestApp) {
        sign_up(&app, "ada@example.org").await;
        let answer = log_in(&app, "?applicationId=nonsense", PASSWORD).await.expect(404);
        assert_eq!(answer.header("x-error-code"), "application_not_found");
        let _ = log_in(&app, "?applicationId=tessera-dev", PASSWORD).await.expect(200);
    }

    async fn the_secret_changes_with_each_sign_in_and_an_invented_one_is_never_adopted(app: TestApp) {
        sign_up(&app, "ada@example.org").await;
        let first = log_in(&app, "", PASSWORD).await.expect(200).set_cookie("__client").expect("a cookie");
        let body = json!({ "username": "ada@example.org", "password": PASSWORD });
        let again = app.post("/auth/login").cookie(&first).json(&body).send().await.expect(200);
        let second = again.set_cookie("__client").expect("a cookie");
        assert_ne!(first, second);
        let client = app.get("/v1/client").cookie(&second).send().await.expect(200).json();
        let statuses: Vec<&str> = client["response"]["sessions"].as_array().expect("sessions").iter().map(|s| s["status"].as_str().expect("a status")).collect();
        assert_eq!(statuses, ["active", "replaced"]);

        let invented = "tcl_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
        let answer = app.post("/auth/login").cookie(invented).json(&body).send().await.expect(200);
        assert_ne!(answer.set_cookie("__client").as_deref(), Some(invented));
    }

    async fn pages_of_other_origins_may_not_sign_anybody_in(app: TestApp) {
        sign_up(&app, "ada@example.org").await;
        let body = json!({ "username": "ada@example.org", "password": PASSWORD });
        let foreign = app.post("/auth/login").header("origin", "https://evil.test").json(&body).send().await.expect(403);
        assert_eq!(foreign.set_cookie("__client"), None);
        let own = app.origin.clone();
        let _ = app.post("/auth/login").header("origin", &own).json(&body).send().await.expect(200);
        let text = app.post("/auth/login").body("text/plain", body.to_string()).send().await.expect(415);
        assert_eq!(text.set_cookie("__client"), None);
        let two = app.post("/auth/login").header("cookie", "__client=a; __client=b").json(&body).send().await.expect(401);
        assert_eq!(two.set_cookie("__client"), None);
    }
}
