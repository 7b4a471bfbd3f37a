//! What several files here begin with.

use tessera_testkit::{Answer, TestApp, json};

/// A password that does.
pub const PASSWORD: &str = "Secret1*2*3*4*5*6";
/// Another.
pub const OTHER: &str = "NewPassword12$34$56$7";

/// Makes an account.
pub async fn sign_up(app: &TestApp, email: &str) -> i64 {
    let answer = app.post("/sign_up").json(&json!({ "email": email, "password": PASSWORD })).send().await.expect(201);
    answer.json()["id"].as_i64().expect("an id")
}

/// Tries to sign in.
pub async fn try_sign_in(app: &TestApp, email: &str, password: &str) -> Answer {
    app.post("/sign_in").json(&json!({ "email": email, "password": password })).send().await
}

/// Signs in, and answers the session token.
pub async fn sign_in(app: &TestApp, email: &str) -> String {
    let answer = try_sign_in(app, email, PASSWORD).await.expect(201);
    answer.header("x-session-token").to_owned()
}

/// A mail with a link.
pub struct Mail {
    id: String,
    /// The link's path and query.
    pub link: String,
}

/// The newest mail to an address, once there is one.
pub async fn mailed_link(app: &TestApp, email: &str) -> Mail {
    mail(app, &format!("to={email}")).await
}

/// The newest mail to an address, once there is one after `seen`.
pub async fn mailed_link_after(app: &TestApp, email: &str, seen: &Mail) -> Mail {
    mail(app, &format!("to={email}&after={}", seen.id)).await
}

async fn mail(app: &TestApp, query: &str) -> Mail {
    let messages = app.get(&format!("/dev/messages?{query}&wait=20")).send().await.expect(200).json();
    let body = messages[0]["body"].as_str().expect("a message").replace("&#38;", "&");
    let start = body.find(&format!("{}/identity/", app.origin)).expect("a link") + app.origin.len();
    let end = start + body[start..].find(['"', '\'', '<', ' ', '\n']).unwrap_or(body.len() - start);
    Mail { id: messages[0]["id"].as_str().expect("an id").to_owned(), link: body[start..end].to_owned() }
}
