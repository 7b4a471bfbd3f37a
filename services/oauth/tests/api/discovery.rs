//! The metadata, at both of its addresses.

use tessera_testkit::{Method, json, on_every_database};

const OPENID: &str = "/oauth2/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server/oauth2";

on_every_database! {
    async fn says_what_works_and_nothing_else(app: TestApp) {
        let answer = app.get(OPENID).send().await.expect(200);
        let issuer = format!("{}/oauth2", app.origin);
        assert_eq!(
            answer.json(),
            json!({
                "issuer": issuer,
                "token_endpoint": format!("{issuer}/token"),
                "jwks_uri": format!("{issuer}/jwks"),
                "scopes_supported": ["verify", "verify:forced_code", "introspect-token", "admin:read", "admin"],
                "response_types_supported": [],
                "grant_types_supported": ["client_credentials"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
                "subject_types_supported": ["public"],
                "claims_parameter_supported": false,
                "request_parameter_supported": false,
                "request_uri_parameter_supported": false,
            })
        );
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.header("cache-control"), "public, max-age=300");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
    }

    async fn is_one_document_at_both_addresses(app: TestApp) {
        let (openid, oauth) = (app.get(OPENID).send().await.expect(200), app.get(OAUTH).send().await.expect(200));
        assert_eq!(openid.text, oauth.text);
        for path in [OPENID, OAUTH] {
            assert_eq!(app.request(Method::HEAD, path).send().await.expect(200).text, "");
            assert_eq!(app.post(path).send().await.expect(405).header("allow"), "GET, HEAD");
        }
    }

    async fn a_forged_host_changes_nothing(app: TestApp) {
        let honest = app.get(OPENID).send().await.expect(200);
        let forged = app.get(OPENID).header("host", "evil.test").header("x-forwarded-host", "evil.test").header("x-forwarded-proto", "https");
        assert_eq!(forged.send().await.expect(200).text, honest.text);
    }

    async fn session_tokens_have_another_issuer(app: TestApp) {
        let _ = app.get("/.well-known/openid-configuration").send().await.expect(404);
    }
}
