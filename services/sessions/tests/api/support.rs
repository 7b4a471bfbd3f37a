//! What several files here begin with.

use tessera_testkit::{TestApp, Value, json};

const PASSWORD: &str = "Secret1*2*3*4*5*6";

/// Makes an account and signs in by the accounts API; answers the session token.
pub async fn session_token(app: &TestApp, email: &str) -> String {
    let body = json!({ "email": email, "password": PASSWORD });
    let _ = app.post("/sign_up").json(&body).send().await;
    let answer = app.post("/sign_in").header("user-agent", "insomnia/2022.1.0").json(&body).send().await.expect(201);
    answer.header("x-session-token").to_owned()
}

/// Makes an account and signs a browser in; answers its cookie.
pub async fn cookie(app: &TestApp, email: &str) -> String {
    let _ = app.post("/sign_up").json(&json!({ "email": email, "password": PASSWORD })).send().await;
    let body = json!({ "username": email, "password": PASSWORD });
    let answer = app.post("/auth/login").json(&body).send().await.expect(200);
    answer.set_cookie("__client").expect("the client cookie")
}

/// The client that a cookie stands for.
pub async fn client(app: &TestApp, cookie: &str) -> Value {
    app.get("/v1/client").cookie(cookie).send().await.expect(200).json()["response"].clone()
}

/// The id of the client's session that was used last.
pub async fn session_id(app: &TestApp, cookie: &str) -> String {
    client(app, cookie).await["last_active_session_id"].as_str().expect("a session").to_owned()
}
