//! `POST /sign_up`.

use tessera_testkit::{Answer, Engine, TestApp, Value, json, on_every_database};

const PASSWORD: &str = "Secret1*2*3*4*5*6";

async fn sign_up(app: &TestApp, body: &Value) -> Answer {
    app.post("/sign_up").json(body).send().await
}

on_every_database! {
    async fn answers_201_with_the_user_and_opens_no_session(app: TestApp) {
        let answer = sign_up(&app, &json!({ "email": "ada@example.org", "password": PASSWORD })).await.expect(201);
        assert_eq!(
            answer.json(),
            json!({
                "id": 1,
                "email": "ada@example.org",
                "verified": false,
                "created_at": "2026-01-15T10:00:00.000Z",
                "updated_at": "2026-01-15T10:00:00.000Z",
            })
        );
        assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
        assert_eq!(answer.header("x-session-token"), "");
        assert_eq!(answer.set_cookie("__client"), None);
        assert_eq!(answer.header("x-request-id").len(), 32);
    }

    async fn takes_forms_as_well(app: TestApp) {
        let form = [("email", "ada@example.org"), ("password", PASSWORD), ("password_confirmation", PASSWORD)];
        let answer = app.post("/sign_up").form(&form).send().await.expect(201);
        assert_eq!(answer.json()["email"], "ada@example.org");
    }

    async fn says_every_problem_at_once(app: TestApp) {
        let rows = [
            (json!({}), json!({ "email": ["can't be blank", "is invalid"], "password": ["can't be blank"] })),
            (json!({ "email": "a b@c", "password": PASSWORD }), json!({ "email": ["is invalid"] })),
            (json!({ "email": "ada", "password": PASSWORD }), json!({ "email": ["is invalid"] })),
            (
                json!({ "email": "a@localhost", "password": "short" }),
                json!({ "password": ["is too short (minimum is 12 characters)", "might easily be guessed"] }),
            ),
            (
                json!({ "email": "a@localhost", "password": format!("Aa1{}", "x".repeat(126)) }),
                json!({ "password": ["is too long (maximum is 128 characters)"] }),
            ),
            (json!({ "email": "a@localhost", "password": "alllowercase1" }), json!({ "password": ["might easily be guessed"] })),
            (json!({ "email": "a@localhost", "password": "Password1234" }), json!({ "password": ["might easily be guessed"] })),
            (
                json!({ "email": "a@localhost", "password": PASSWORD, "password_confirmation": "" }),
                json!({ "password_confirmation": ["doesn't match Password"] }),
            ),
        ];
        for (body, problems) in rows {
            assert_eq!(sign_up(&app, &body).await.expect(422).json(), problems, "{body}");
        }
    }

    async fn a_null_confirmation_is_not_compared(app: TestApp) {
        let body = json!({ "email": "ada@example.org", "password": PASSWORD, "password_confirmation": null });
        let _ = sign_up(&app, &body).await.expect(201);
    }

    async fn a_taken_address_is_one_however_it_is_written(app: TestApp) {
        let _ = sign_up(&app, &json!({ "email": "Ada@Example.org", "password": PASSWORD })).await.expect(201);
        let answer = sign_up(&app, &json!({ "email": " ada@example.ORG ", "password": PASSWORD })).await.expect(422);
        assert_eq!(answer.json(), json!({ "email": ["has already been taken"] }));
    }

    async fn unknown_members_have_no_effect(app: TestApp) {
        let body = json!({ "email": "ada@example.org", "password": PASSWORD, "verified": true, "id": 99, "role": "admin" });
        let user = sign_up(&app, &body).await.expect(201).json();
        assert_eq!((&user["id"], &user["verified"]), (&json!(1), &json!(false)));
    }

    async fn twenty_who_take_one_address_together_make_one_user(app: TestApp) {
        let body = json!({ "email": "ada@example.org", "password": PASSWORD });
        let answers = futures::future::join_all((0..20).map(|_| sign_up(&app, &body))).await;
        let taken = json!({ "email": ["has already been taken"] });
        let made = answers.iter().filter(|answer| answer.status == 201).count();
        // On a busy machine some may be told to come back: 503, with nothing done.
        let turned_away = answers.iter().filter(|answer| answer.status == 503).count();
        let refused = answers.iter().filter(|answer| answer.status == 422 && answer.json() == taken).count();
        assert_eq!((made, refused + turned_away), (1, 19));
    }
}

/// A stranger learns nothing from a taken address, and its owner is told.
async fn a_taken_address_is_hidden(engine: Engine) {
    let app = TestApp::start_with(engine, &[("TESSERA_AUTH_ENUMERATION", "hidden")]).await;
    let first = sign_up(&app, &json!({ "email": "ada@example.org", "password": PASSWORD })).await.expect(201).json();
    app.advance(chrono::TimeDelta::seconds(30));
    let stranger = json!({ "email": "ada@example.org", "password": "Strangers1*2*3*4" });
    let second = sign_up(&app, &stranger).await.expect(201).json();
    let members = |user: &Value| user.as_object().map(|user| user.keys().cloned().collect::<Vec<_>>());
    assert_eq!(members(&first), members(&second));
    assert_eq!((&second["id"], &second["verified"]), (&json!(2), &json!(false)));
    let _ = app.post("/sign_in").json(&stranger).send().await.expect(401);
    let seen = app.get("/dev/messages?to=ada@example.org&wait=20").send().await.expect(200).json();
    let mails = if seen.as_array().is_some_and(|mails| mails.len() > 1) {
        seen
    } else {
        let id = seen[0]["id"].as_str().expect("a mail").to_owned();
        app.get(&format!("/dev/messages?to=ada@example.org&after={id}&wait=20")).send().await.expect(200).json()
    };
    assert_eq!(mails[0]["subject"], "You already have an account");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_address_is_hidden_on_sqlite() {
    a_taken_address_is_hidden(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_address_is_hidden_on_postgres() {
    if Engine::postgres_is_wanted() {
        a_taken_address_is_hidden(Engine::Postgres).await;
    }
}
