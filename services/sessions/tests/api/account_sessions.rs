//! `/sessions` and `/sessions/{id}` by a session token.

use chrono::TimeDelta;
use tessera_testkit::{json, on_every_database};

use crate::support::{cookie, session_token};

const DENIED: &str = "HTTP Token: Access denied.\n";

on_every_database! {
    async fn lists_the_callers_sessions_newest_first(app: TestApp) {
        let first = session_token(&app, "ada@example.org").await;
        let _ = session_token(&app, "eve@example.org").await;
        app.advance(TimeDelta::seconds(1));
        let _ = session_token(&app, "ada@example.org").await;
        let list = app.get("/sessions").bearer(&first).send().await.expect(200);
        assert_eq!(list.header("vary"), "Authorization, Cookie");
        let list = list.json();
        assert_eq!(
            list,
            json!([
                { "id": 3, "user_id": 1, "user_agent": "insomnia/2022.1.0", "ip_address": "127.0.0.1",
                  "created_at": "2026-01-15T10:00:01.000Z", "updated_at": "2026-01-15T10:00:01.000Z" },
                { "id": 1, "user_id": 1, "user_agent": "insomnia/2022.1.0", "ip_address": "127.0.0.1",
                  "created_at": "2026-01-15T10:00:00.000Z", "updated_at": "2026-01-15T10:00:00.000Z" },
            ])
        );
        assert_eq!(app.get("/sessions/3").bearer(&first).send().await.expect(200).json(), list[0]);
    }

    async fn takes_a_token_in_each_of_its_forms(app: TestApp) {
        let token = session_token(&app, "ada@example.org").await;
        for header in [format!("Bearer {token}"), format!("Token {token}"), format!("Token token=\"{token}\"")] {
            let _ = app.get("/sessions").header("authorization", &header).send().await.expect(200);
        }
        let answer = app.get("/sessions").header("authorization", &format!("bearer {token}")).send().await.expect(401);
        assert_eq!((answer.text.as_str(), answer.header("www-authenticate")), (DENIED, "Token realm=\"Application\""));
    }

    async fn missing_garbled_and_dead_tokens_are_401(app: TestApp) {
        let token = session_token(&app, "ada@example.org").await;
        let cut = &token[..token.len() - 1];
        for call in [app.get("/sessions"), app.get("/sessions").bearer(cut), app.get("/sessions/1").bearer("nonsense"), app.delete("/sessions/1")] {
            assert_eq!(call.send().await.expect(401).text, DENIED);
        }
        app.advance(TimeDelta::days(30));
        let _ = app.get("/sessions").bearer(&token).send().await.expect(401);
    }

    async fn a_used_session_lives_on(app: TestApp) {
        let token = session_token(&app, "ada@example.org").await;
        for _ in 0..3 {
            app.advance(TimeDelta::days(20));
            let _ = app.get("/sessions").bearer(&token).send().await.expect(200);
        }
    }

    async fn another_users_an_unknown_one_and_a_word_are_404(app: TestApp) {
        let ada = session_token(&app, "ada@example.org").await;
        let eve = session_token(&app, "eve@example.org").await;
        for id in ["2", "99", "abc", "1e0", "01", "-1", "9223372036854775808"] {
            let path = format!("/sessions/{id}");
            let got = app.get(&path).bearer(&ada).send().await.expect(404);
            let deleted = app.delete(&path).bearer(&ada).send().await.expect(404);
            assert_eq!((got.text.as_str(), deleted.text.as_str()), (r#"{"status":404,"error":"Not Found"}"#, r#"{"status":404,"error":"Not Found"}"#), "{id}");
        }
        let _ = app.get("/sessions").bearer(&eve).send().await.expect(200);
    }

    async fn delete_ends_a_session_once_and_for_all(app: TestApp) {
        let (first, second) = (session_token(&app, "ada@example.org").await, session_token(&app, "ada@example.org").await);
        let answer = app.delete("/sessions/2").bearer(&first).send().await.expect(204);
        assert_eq!((answer.text.as_str(), answer.header("content-type")), ("", ""));
        let _ = app.delete("/sessions/2").bearer(&first).send().await.expect(404);
        let _ = app.get("/sessions").bearer(&second).send().await.expect(401);
        let _ = app.delete("/sessions/1").bearer(&first).send().await.expect(204);
        let _ = app.get("/sessions").bearer(&first).send().await.expect(401);
    }

    async fn authorization_beats_the_cookie_even_when_it_is_worth_nothing(app: TestApp) {
        let cookie = cookie(&app, "ada@example.org").await;
        let _ = app.get("/sessions").bearer("tss_x").cookie(&cookie).send().await.expect(401);
        let _ = app.get("/sessions/1").cookie(&cookie).send().await.expect(401);
    }
}
