//! `GET /oauth2/jwks`.

use chrono::TimeDelta;
use tessera_testkit::{Method, on_every_database};
use tessera_tokens::jwk::Algorithm;

use crate::support::{OWN, by_basic, read, token};

on_every_database! {
    async fn publishes_a_key_of_each_algorithm_rsa_first(app: TestApp) {
        let answer = app.get("/oauth2/jwks").send().await.expect(200);
        let keys = answer.json()["keys"].as_array().expect("keys").clone();
        let types: Vec<_> = keys.iter().map(|key| (key["kty"].as_str(), key["alg"].as_str())).collect();
        assert_eq!(types, [(Some("RSA"), Some("RS256")), (Some("EC"), Some("ES256")), (Some("OKP"), Some("EdDSA"))]);
        for key in &keys {
            assert_eq!(key["use"], "sig");
            for private in ["d", "p", "q", "dp", "dq", "qi", "k", "oth"] {
                assert!(key.get(private).is_none(), "{private}");
            }
        }
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "public, max-age=300");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }

    async fn answers_head_and_refuses_other_verbs(app: TestApp) {
        let head = app.request(Method::HEAD, "/oauth2/jwks").send().await.expect(200);
        assert_eq!(head.text, "");
        let post = app.post("/oauth2/jwks").send().await.expect(405);
        assert_eq!(post.header("allow"), "GET, HEAD");
    }

    async fn a_rotated_key_is_published_before_it_signs_and_until_its_last_token_has_ended(app: TestApp) {
        let token = async || token(&by_basic(&app, &[OWN]).send().await.expect(200));
        let keys = async || app.get("/oauth2/jwks").send().await.json()["keys"].as_array().expect("keys").len();
        let keyring = app.platform.oauth().signing_keys();
        let kid = keyring.rotate(Algorithm::RS256).await.expect("rotated");
        assert_eq!(keys().await, 4);
        let old = token().await;
        app.advance(TimeDelta::minutes(15));
        let new = token().await;
        let header = |token: &str| String::from_utf8_lossy(&decode(token)).into_owned();
        assert!(header(&new).contains(&kid) && !header(&old).contains(&kid));
        assert!(read(&app, "/methods", &new).await.is_ok());
        app.advance(TimeDelta::hours(1));
        assert_eq!(keys().await, 3);
    }
}

fn decode(token: &str) -> Vec<u8> {
    use base64::Engine as _;
    let header = token.split('.').next().expect("a header");
    base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).expect("base64url")
}
