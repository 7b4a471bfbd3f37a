//! `POST /sign_in`.

use tessera_testkit::{json, on_every_database};

use crate::support::{PASSWORD, sign_in, sign_up, try_sign_in};

on_every_database! {
    async fn answers_201_with_the_session_and_its_token(app: TestApp) {
        sign_up(&app, "ada@example.org").await;
        let body = json!({ "email": "ada@example.org", "password": PASSWORD });
        let answer = app.post("/sign_in").header("user-agent", "insomnia/2022.1.0").json(&body).send().await.expect(201);
        assert_eq!(
            answer.json(),
            json!({
                "id": 1,
                "user_id": 1,
                "user_agent": "insomnia/2022.1.0",
                "ip_address": "127.0.0.1",
                "created_at": "2026-01-15T10:00:00.000Z",
                "updated_at": "2026-01-15T10:00:00.000Z",
            })
        );
        assert!(answer.header("x-session-token").starts_with("tss_"));
        assert_eq!(answer.set_cookie("__client"), None);
    }

    async fn each_sign_in_is_a_session_of_its_own(app: TestApp) {
        sign_up(&app, "ada@example.org").await;
        let (first, second) = (sign_in(&app, "ada@example.org").await, sign_in(&app, " ADA@Example.org").await);
        assert_ne!(first, second);
        let _ = app.get("/sessions/1").bearer(&first).send().await.expect(200);
        let _ = app.get("/sessions/1").bearer(&second).send().await.expect(200);
    }

    async fn wrong_password_unknown_address_and_missing_fields_are_one_answer(app: TestApp) {
        sign_up(&app, "ada@example.org").await;
        let bodies = [
            json!({ "email": "ada@example.org", "password": "wrong" }),
            json!({ "email": "nobody@example.org", "password": PASSWORD }),
            json!({ "email": "not an address", "password": PASSWORD }),
            json!({ "email": "ada@example.org" }),
            json!({}),
        ];
        for body in bodies {
            let answer = app.post("/sign_in").json(&body).send().await.expect(401);
            assert_eq!(answer.text, r#"{"error":"That email or password is incorrect"}"#, "{body}");
            assert_eq!((answer.header("www-authenticate"), answer.header("x-session-token")), ("", ""));
        }
    }

    async fn the_eleventh_wrong_password_in_15_minutes_is_not_compared(app: TestApp) {
        sign_up(&app, "ada@example.org").await;
        for address in ["ada@example.org", "nobody@example.org"] {
            for _ in 0..10 {
                let _ = try_sign_in(&app, address, "wrong").await.expect(401);
            }
            let limited = try_sign_in(&app, address, PASSWORD).await.expect(429);
            assert_eq!(limited.json(), json!({ "error": "You've exceeded the maximum number of attempts" }));
            assert_eq!(limited.header("retry-after"), "900");
        }
        app.advance(chrono::TimeDelta::minutes(15));
        let _ = try_sign_in(&app, "ada@example.org", PASSWORD).await.expect(201);
    }

    async fn right_passwords_do_not_use_the_budget_up(app: TestApp) {
        sign_up(&app, "ada@example.org").await;
        for _ in 0..12 {
            let _ = try_sign_in(&app, "ada@example.org", PASSWORD).await.expect(201);
        }
    }
}
