//! `POST` and `GET /identity/email_verification`.

use chrono::TimeDelta;
use tessera_testkit::{json, on_every_database};

use crate::support::{mailed_link, mailed_link_after, sign_in, sign_up};

const INVALID: &str = r#"{"error":"That email verification link is invalid"}"#;

on_every_database! {
    async fn the_link_that_a_sign_up_mails_verifies_the_address(app: TestApp) {
        sign_up(&app, "ada@example.org").await;
        let link = mailed_link(&app, "ada@example.org").await.link;
        let answer = app.get(&link).send().await.expect(204);
        assert_eq!((answer.text.as_str(), answer.header("content-type")), ("", ""));
    }

    async fn the_same_link_works_again_until_it_expires(app: TestApp) {
        sign_up(&app, "ada@example.org").await;
        let link = mailed_link(&app, "ada@example.org").await.link;
        for _ in 0..2 {
            let _ = app.get(&link).send().await.expect(204);
        }
        let _ = app.get(&link.replace("token=", "sid=")).send().await.expect(204);
        let _ = app.get(&link.replace("email_verification?", "email_verification/edit?")).send().await.expect(204);
        app.advance(TimeDelta::days(2));
        assert_eq!(app.get(&link).send().await.expect(400).text, INVALID);
    }

    async fn a_bad_foreign_or_missing_token_is_one_answer(app: TestApp) {
        sign_up(&app, "ada@example.org").await;
        sign_up(&app, "eve@example.org").await;
        let link = mailed_link(&app, "ada@example.org").await.link;
        let wrong = [
            "/identity/email_verification".to_owned(),
            "/identity/email_verification?email=ada@example.org&token=nonsense".to_owned(),
            link[..link.len() - 1].to_owned(),
            format!("{link}x"),
            link.replace("ada%40example.org", "eve%40example.org"),
        ];
        for path in wrong {
            assert_eq!(app.get(&path).send().await.expect(400).text, INVALID, "{path}");
        }
        let _ = app.get(&link).send().await.expect(204);
    }

    async fn callers_that_take_html_get_a_page(app: TestApp) {
        sign_up(&app, "ada@example.org").await;
        let link = mailed_link(&app, "ada@example.org").await.link;
        let page = app.get(&link).header("accept", "text/html,*/*").send().await.expect(200);
        assert!(page.text.contains("Your address is verified"));
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        let page = app.get("/identity/email_verification?token=x").header("accept", "text/html").send().await.expect(400);
        assert!(page.text.contains("That email verification link is invalid"));
    }

    async fn another_link_is_mailed_on_request_and_not_too_often(app: TestApp) {
        sign_up(&app, "ada@example.org").await;
        let token = sign_in(&app, "ada@example.org").await;
        let ask = || app.post("/identity/email_verification").bearer(&token).send();
        let limited = ask().await.expect(429);
        assert_eq!((limited.header("retry-after"), limited.header("ratelimit-policy")), ("30", "\"default\";q=1;w=30"));
        let first = mailed_link(&app, "ada@example.org").await;
        app.advance(TimeDelta::seconds(30));
        assert_eq!(ask().await.expect(204).text, "");
        let second = mailed_link_after(&app, "ada@example.org", &first).await;
        assert_ne!(first.link, second.link);
        let _ = app.get(&second.link).send().await.expect(204);
        for _ in 0..3 {
            app.advance(TimeDelta::seconds(30));
            let _ = ask().await.expect(204);
        }
        app.advance(TimeDelta::seconds(30));
        let _ = ask().await.expect(429);
    }

    async fn asking_needs_a_session_token(app: TestApp) {
        let _ = app.post("/identity/email_verification").send().await.expect(401);
        let _ = app.post("/identity/email_verification").bearer("tss_x").json(&json!({})).send().await.expect(401);
    }
}
