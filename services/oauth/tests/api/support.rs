//! What these tests share: the dev client, and reading a token.

use tessera_common::random::Random;
use tessera_storage::affected;
use tessera_testkit::{Answer, Call, TestApp};
use tessera_tokens::access_token::{AccessClaims, AccessTokens};
use tessera_tokens::jwt::TokenError;

pub const ID: &str = "tessera-dev";
pub const SECRET: &str = "tessera-dev-secret";
pub const OWN: (&str, &str) = ("grant_type", "client_credentials");

/// A token request of the dev client, by Basic.
pub fn by_basic(app: &TestApp, form: &[(&str, &str)]) -> Call {
    app.post("/oauth2/token").basic(ID, SECRET).form(form)
}

/// A token request that presents nothing but its form.
pub fn by_form(app: &TestApp, form: &[(&str, &str)]) -> Call {
    app.post("/oauth2/token").form(form)
}

/// The claims of an access token, as the resource at `path` reads them.
pub async fn read(app: &TestApp, path: &str, token: &str) -> Result<AccessClaims, TokenError> {
    let (issuer, audience) = (format!("{}/oauth2", app.origin), format!("{}{path}", app.origin));
    AccessTokens::new(app.platform.oauth().public_keys(), issuer, audience, app.clock.clone()).check(token).await
}

/// `error` of a refusal.
#[track_caller]
pub fn error(answer: &Answer) -> String {
    assert_eq!(answer.header("cache-control"), "no-store");
    assert!(answer.json()["error_description"].is_string());
    answer.json()["error"].as_str().expect("an error").to_owned()
}

/// The token of an answer.
#[track_caller]
pub fn token(answer: &Answer) -> String {
    answer.json()["access_token"].as_str().expect("a token").to_owned()
}

/// Adds a secret to a client, as the administrator will.
pub async fn set_secret(app: &TestApp, client: &str, secret: &str) {
    let digest = tessera_tokens::opaque::stored_digest(&secret.to_owned().into());
    affected!(
        &mut app.databases.oauth.write().await.expect("a connection"),
        sqlx::query("insert into client_secrets (id, client_id, digest, created_at) values ($1, $2, $3, $4)")
            .bind(tessera_common::ids::new_v7(app.clock.now(), &Random::system()))
            .bind(client.to_owned())
            .bind(digest.clone())
            .bind(app.clock.now())
    )
    .expect("added");
}
