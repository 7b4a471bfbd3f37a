//! oauth's keys, fetched: what is checked with them, and what is kept when they cannot be had.

use std::sync::Arc;

use chrono::TimeDelta;
use tessera_common::clock::Clock;
use tessera_common::server::Stop;
use tessera_contracts::http::{Clients, RemoteKeys};
use tessera_testkit::{Engine, START, TestApp, on_every_database};
use tessera_tokens::access_token::{AccessClaims, AccessTokens, PublicKeys as _};
use tessera_tokens::jwk::Algorithm;
use tessera_tokens::jwt::TokenError;

use super::support::{Reply, Stub};

/// A set with one key, named `kid`.
fn set(kid: &str) -> String {
    let key =
        r#""kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","use":"sig","alg":"EdDSA""#;
    format!(r#"{{"keys":[{{{key},"kid":"{kid}"}}]}}"#)
}

fn of(stub: &Stub, clock: &Clock) -> RemoteKeys {
    RemoteKeys::new(Clients::new(None).expect("clients"), &stub.base, clock.clone())
}

/// Whether there is such a key, as far as is known.
async fn has(keys: &RemoteKeys, kid: &str) -> Result<bool, TokenError> {
    keys.find(kid).await.map(|key| key.is_some())
}

async fn tenants_token(app: &TestApp) -> String {
    let form = [("grant_type", "client_credentials"), ("scope", "verify")];
    let answer =
        app.post("/oauth2/token").basic("tessera-dev", "tessera-dev-secret").form(&form).send().await.expect(200);
    answer.json()["access_token"].as_str().expect("a token").to_owned()
}

async fn check(app: &TestApp, keys: &Arc<RemoteKeys>, token: &str) -> Result<AccessClaims, TokenError> {
    let (issuer, audience) = (format!("{}/oauth2", app.origin), format!("{}/methods", app.origin));
    AccessTokens::new(keys.clone(), issuer, audience, app.clock.clone()).check(token).await
}

on_every_database! {
    async fn a_tenants_token_is_checked_with_keys_that_were_fetched(app: TestApp) {
        let oauth = app.origin.replace("localhost", "127.0.0.1").parse().expect("a URL");
        let keys = Arc::new(RemoteKeys::new(Clients::new(None).expect("clients"), &oauth, app.clock.clone()));
        let token = tenants_token(&app).await;
        assert_eq!(check(&app, &keys, &token).await.expect("good").client_id, "tessera-dev");
        // A key that came later is found when a token names it.
        for algorithm in [Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
            let _ = app.platform.oauth().signing_keys().rotate(algorithm).await.expect("rotated");
        }
        app.advance(TimeDelta::minutes(15));
        assert!(check(&app, &keys, &tenants_token(&app).await).await.is_ok());
        assert_eq!(check(&app, &keys, &token).await, Err(TokenError::Expired));
    }
}

#[tokio::test]
async fn without_a_set_nothing_can_be_said() {
    let clock = Clock::fixed(START);
    let large = format!("{}{}", set("a"), " ".repeat(64 * 1024));
    for reply in [
        Reply::new(500, &set("a")),
        Reply::new(302, &set("a")).with("location: /oauth2/jwks"),
        Reply::new(200, "<html>"),
        Reply::new(200, "{\"keys\":[]}"),
        Reply::new(200, "{\"keys\":[{\"kid\":\"a\"}]}"),
        Reply::new(200, &large),
        Reply::HangUp,
    ] {
        let stub = Stub::start([reply.clone()]).await;
        let keys = of(&stub, &clock);
        assert_eq!(has(&keys, "a").await, Err(TokenError::KeysUnavailable), "{reply:?}");
        assert_eq!(stub.requests().len(), 1, "{reply:?}");
    }
}

#[tokio::test]
async fn the_last_good_set_is_kept() {
    let clock = Clock::fixed(START);
    let stub = Stub::start([Reply::new(200, &set("a"))]).await;
    let keys = of(&stub, &clock);
    assert_eq!(has(&keys, "a").await, Ok(true));
    for bad in [Reply::new(503, ""), Reply::new(200, "garbage"), Reply::HangUp] {
        stub.reply(bad);
        clock.advance(TimeDelta::seconds(5));
        assert_eq!(has(&keys, "b").await, Err(TokenError::KeysUnavailable), "it may be there by now");
        assert_eq!(has(&keys, "a").await, Ok(true));
    }
    stub.reply(Reply::new(200, &set("b")));
    clock.advance(TimeDelta::seconds(5));
    assert_eq!((has(&keys, "b").await, has(&keys, "a").await), (Ok(true), Ok(false)));
}

#[tokio::test]
async fn strange_tokens_do_not_make_fetches() {
    let clock = Clock::fixed(START);
    let stub = Stub::start([Reply::new(200, &set("a"))]).await;
    let keys = of(&stub, &clock);
    let strange = (0..50).map(|number| format!("strange-{number}")).collect::<Vec<_>>();
    for found in futures::future::join_all(strange.iter().map(|kid| has(&keys, kid))).await {
        assert_eq!(found, Ok(false));
    }
    assert_eq!(stub.requests().len(), 1);
    clock.advance(TimeDelta::seconds(4));
    assert_eq!((has(&keys, "strange").await, stub.requests().len()), (Ok(false), 1));
    clock.advance(TimeDelta::seconds(1));
    assert_eq!((has(&keys, "strange").await, stub.requests().len()), (Ok(false), 2));
}

#[tokio::test]
async fn while_there_never_was_a_set_a_token_makes_a_fetch_five_times_a_second() {
    let clock = Clock::fixed(START);
    let stub = Stub::start([Reply::HangUp, Reply::new(503, ""), Reply::new(200, &set("a"))]).await;
    let keys = of(&stub, &clock);
    for fetches in [1, 2] {
        for _ in 0..50 {
            assert_eq!(has(&keys, "a").await, Err(TokenError::KeysUnavailable));
        }
        clock.advance(TimeDelta::milliseconds(199));
        assert_eq!(has(&keys, "a").await, Err(TokenError::KeysUnavailable));
        assert_eq!(stub.requests().len(), fetches);
        clock.advance(TimeDelta::milliseconds(1));
    }
    assert_eq!((has(&keys, "a").await, stub.requests().len()), (Ok(true), 3));
}

#[tokio::test]
async fn a_key_of_an_unknown_kind_does_not_hide_the_others() {
    let stub =
        Stub::start([Reply::new(200, &set("a").replace("[", r#"[{"kty":"AKP","kid":"z","alg":"ML-DSA-44"},"#))]).await;
    let keys = of(&stub, &Clock::fixed(START));
    assert_eq!((has(&keys, "a").await, has(&keys, "z").await), (Ok(true), Ok(false)));
}

#[tokio::test]
async fn the_set_is_fetched_at_the_start_and_until_there_is_one() {
    let clock = Clock::fixed(START);
    let stub = Stub::start([Reply::new(503, ""), Reply::new(200, &set("a"))]).await;
    let keys = Arc::new(of(&stub, &clock));
    let stop = Stop::new();
    let running = tokio::spawn(keys.clone().run(stop.signal()));
    // The clock stands still, so that no token makes a fetch: only the loop does.
    let found = async {
        while has(&keys, "a").await != Ok(true) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), found).await.expect("found");
    assert_eq!(stub.requests().len(), 2);
    stop.ask();
    running.await.expect("it ends");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_published_document_is_one_that_is_read() {
    let app = TestApp::start(Engine::Sqlite).await;
    let document = app.get("/oauth2/jwks").send().await.expect(200);
    let stub = Stub::start([Reply::new(200, &document.text)]).await;
    let keys = of(&stub, &app.clock);
    for key in document.json()["keys"].as_array().expect("keys") {
        assert_eq!(has(&keys, key["kid"].as_str().expect("a name")).await, Ok(true), "{key}");
    }
}
