//! `PUT /password`, and the same by `PATCH`.

use std::time::Duration;

use chrono::TimeDelta;
use tessera_storage::{Db, Tx, affected, run};
use tessera_testkit::{Answer, Method, TestApp, Value, eventually, json, on_every_database};

use crate::support::{OTHER, PASSWORD, sign_in, sign_up, try_sign_in};

async fn change(app: &TestApp, token: &str, body: &Value) -> Answer {
    app.put("/password").bearer(token).json(body).send().await
}

/// Keeps attempts from being counted until it is committed, and so password checks from going on.
async fn hold_attempts(app: &TestApp) -> Tx {
    let mut held = app.databases.auth.begin().await.expect("a transaction");
    // SQLite has one writer, which this is now.
    if matches!(held, Tx::Postgres(_)) {
        affected!(&mut held, sqlx::query("lock table password_attempts in access exclusive mode")).expect("locked");
    }
    held
}

/// Waits until a query counts so many.
async fn until_counted(db: &Db, text: &'static str, number: i64) {
    eventually(text, Duration::from_secs(10), async || {
        let mut on = db.read().await.expect("a connection");
        let counted: i64 = run!(&mut on, |e| sqlx::query_scalar(text).fetch_one(e)).expect("a count");
        (counted == number).then_some(())
    })
    .await;
}

/// Waits until the first session was used after it began.
async fn until_used(app: &TestApp) {
    let text = "select count(*) from sessions where number = 1 and last_active_at > started_at";
    until_counted(&app.databases.sessions, text, 1).await;
}

/// Waits until sessions has ended what it was told to end: on a busy machine that may be later than the answer, which waits 500 ms for it.
async fn until_cut(app: &TestApp) {
    let text = "select count(*) from durable_calls where kind = 'sessions.cut.v1'";
    until_counted(&app.databases.auth, text, 0).await;
}

on_every_database! {
    async fn a_session_that_ends_while_the_passwords_are_hashed_changes_nothing(app: TestApp) {
        sign_up(&app, "ada@example.org").await;
        let (mine, other) = (sign_in(&app, "ada@example.org").await, sign_in(&app, "ada@example.org").await);
        // A use of a session is noted once a minute.
        app.advance(TimeDelta::minutes(1));
        let held = hold_attempts(&app).await;
        let body = json!({ "current_password": PASSWORD, "password": OTHER });
        let end_it = async {
            until_used(&app).await;
            let _ = app.delete("/sessions/1").bearer(&other).send().await.expect(204);
            held.commit().await.expect("let go");
        };
        let (answer, ()) = futures::join!(change(&app, &mine, &body), end_it);
        assert_eq!(answer.expect(401).text, "HTTP Token: Access denied.\n");
        let _ = try_sign_in(&app, "ada@example.org", OTHER).await.expect(401);
        let _ = try_sign_in(&app, "ada@example.org", PASSWORD).await.expect(201);
        let _ = app.get("/sessions").bearer(&other).send().await.expect(200);
    }

    async fn ends_every_other_session_and_keeps_the_one_in_use(app: TestApp) {
        sign_up(&app, "ada@example.org").await;
        let (mine, other) = (sign_in(&app, "ada@example.org").await, sign_in(&app, "ada@example.org").await);
        let body = json!({ "current_password": PASSWORD, "password": OTHER, "password_confirmation": OTHER });
        let user = change(&app, &mine, &body).await.expect(200).json();
        assert_eq!((&user["id"], &user["email"]), (&json!(1), &json!("ada@example.org")));
        until_cut(&app).await;

        let _ = app.get("/sessions").bearer(&other).send().await.expect(401);
        let left = app.get("/sessions").bearer(&mine).send().await.expect(200).json();
        assert_eq!(left.as_array().map(Vec::len), Some(1));
        let _ = try_sign_in(&app, "ada@example.org", PASSWORD).await.expect(401);
        let _ = try_sign_in(&app, "ada@example.org", OTHER).await.expect(201);
    }

    async fn the_present_password_is_judged_first(app: TestApp) {
        sign_up(&app, "ada@example.org").await;
        let token = sign_in(&app, "ada@example.org").await;
        for body in [json!({ "current_password": "wrong", "password": "short" }), json!({ "password": OTHER })] {
            let answer = change(&app, &token, &body).await.expect(400);
            assert_eq!(answer.json(), json!({ "error": "The current password you entered is incorrect" }));
        }
        let answer = change(&app, &token, &json!({ "password_challenge": "wrong", "password": OTHER })).await.expect(422);
        assert_eq!(answer.json(), json!({ "password_challenge": ["is invalid"] }));
        let _ = try_sign_in(&app, "ada@example.org", PASSWORD).await.expect(201);
    }

    async fn a_new_password_that_does_not_do_changes_nothing(app: TestApp) {
        sign_up(&app, "ada@example.org").await;
        let token = sign_in(&app, "ada@example.org").await;
        let rows = [
            (json!({ "current_password": PASSWORD }), json!({ "password": ["can't be blank"] })),
            (json!({ "current_password": PASSWORD, "password": "" }), json!({ "password": ["can't be blank"] })),
            (json!({ "current_password": PASSWORD, "password": null }), json!({ "password": ["can't be blank"] })),
            (
                json!({ "current_password": PASSWORD, "password": OTHER, "password_confirmation": "else" }),
                json!({ "password_confirmation": ["doesn't match Password"] }),
            ),
        ];
        for (body, problems) in rows {
            assert_eq!(change(&app, &token, &body).await.expect(422).json(), problems, "{body}");
        }
        let _ = try_sign_in(&app, "ada@example.org", PASSWORD).await.expect(201);
    }

    async fn works_by_patch_as_well(app: TestApp) {
        sign_up(&app, "ada@example.org").await;
        let token = sign_in(&app, "ada@example.org").await;
        let body = json!({ "password_challenge": PASSWORD, "password": OTHER });
        let _ = app.request(Method::PATCH, "/password").bearer(&token).json(&body).send().await.expect(200);
    }

    async fn without_a_session_token_it_is_401(app: TestApp) {
        for call in [app.put("/password"), app.put("/password").bearer("tss_nonsense"), app.put("/password").cookie("tcl_x")] {
            let answer = call.json(&json!({})).send().await.expect(401);
            assert_eq!(answer.header("www-authenticate"), "Token realm=\"Application\"");
            assert_eq!(answer.text, "HTTP Token: Access denied.\n");
        }
    }

    async fn of_two_changes_at_once_one_is_made(app: TestApp) {
        sign_up(&app, "ada@example.org").await;
        let token = sign_in(&app, "ada@example.org").await;
        let third = "ThirdPassword12$34";
        let (a, b) = (
            json!({ "current_password": PASSWORD, "password": OTHER }),
            json!({ "current_password": PASSWORD, "password": third }),
        );
        let (a, b) = futures::join!(change(&app, &token, &a), change(&app, &token, &b));
        let mut statuses = [a.status.as_u16(), b.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 400]);
        let winner = if a.status == 200 { OTHER } else { third };
        let _ = try_sign_in(&app, "ada@example.org", winner).await.expect(201);
    }
}
