//! What every request of a tenant goes through, in this order: `Accept`, `Content-Type`, JSON, route, tenant, method, body.

use tessera_testkit::{Method, Value, json, on_every_database};
use tessera_tokens::access_token::{OneOrMany, TYP};

use super::support::{Tenant, by_mail, signed};

const INITIATE: &str = "/methods/email/actions/initiate";
const VERIFIER: &str = "/methods/email/verifiers/dc910ae0-7c67-4ace-8ebb-9edd4b5d8b0f";

on_every_database! {
    async fn accept_comes_first_whatever_the_path_verb_and_body(app: TestApp) {
        for accept in ["*/*", "text/html", "application/vnd.jincor+json", "application/json, */*", "Application/JSON", ""] {
            for (verb, path) in [
                (Method::POST, INITIATE), (Method::GET, VERIFIER), (Method::DELETE, VERIFIER), (Method::PUT, INITIATE),
                (Method::GET, "/methods/nothing/here"), (Method::GET, "/methods"),
            ] {
                let answer = app.request(verb, path).header("accept", accept).send().await.expect(406);
                assert_eq!(answer.json(), json!({ "error": "Unsupported \"Accept\" header" }), "{accept} {path}");
            }
        }
        for accept in ["application/json", "application/vnd.jincor+json; version=1", "application/vnd.jincor+json;version=2"] {
            let _ = app.get(VERIFIER).header("accept", accept).send().await.expect(401);
        }
    }

    async fn content_type_comes_second_and_for_post_only(app: TestApp) {
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
            for path in [INITIATE, "/methods/nothing/here"] {
                let call = app.post(path).header("accept", "application/json").body(content_type, "{");
                let answer = call.send().await.expect(406);
                assert_eq!(answer.json(), json!({ "error": "Unsupported \"Content-Type\"" }), "{content_type}");
            }
        }
        let _ = app.post(INITIATE).header("accept", "application/json").send().await.expect(406);
        for content_type in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
            let call = app.post(INITIATE).header("accept", "application/json").body(content_type, "{}");
            let _ = call.send().await.expect(401);
        }
        let _ = app.delete(VERIFIER).header("accept", "application/json").body("text/plain", "x").send().await.expect(401);
    }

    async fn json_comes_third(app: TestApp) {
        let deep = "[".repeat(100_000 / 2);
        for body in [
            "{", "nonsense", "{\"a\":1,\"a\":2}", "{\"template\":{\"body\":1,\"body\":2}}", "{\"a\":\"\\ud800\"}", "\u{feff}{}", &deep,
        ] {
            for path in [INITIATE, "/methods/nothing/here"] {
                let call = app.post(path).header("accept", "application/json").body("application/json", body.to_owned());
                let answer = call.send().await.expect(400);
                assert_eq!(answer.json(), json!({ "status": 400, "error": "Invalid JSON" }));
            }
        }
        let invalid_utf8 = app.post(INITIATE).header("accept", "application/json").body("application/json", vec![b'"', 0xff, b'"']);
        let _ = invalid_utf8.send().await.expect(400);
        let large = format!("\"{}\"", "a".repeat(70_000));
        let call = app.post(INITIATE).header("accept", "application/json").body("application/json", large);
        assert_eq!(call.send().await.expect(413).json()["status"], 413);
    }

    async fn the_route_comes_fourth(app: TestApp) {
        for (verb, path) in [
            (Method::GET, "/methods"), (Method::GET, "/methods/"), (Method::GET, "/methods/email"), (Method::POST, "/methods/email/actions/start"),
            (Method::GET, "/methods/email/verifiers"), (Method::GET, "/methods/email/verifiers/a/b"),
            (Method::GET, "/methods/emailverifiers/a"), (Method::GET, "/methods/email/verifiersa"), (Method::POST, "/methods/emailactions/initiate"), (Method::DELETE, "/methods/email/verifiers/"),
        ] {
            let call = app.request(verb, path).header("accept", "application/json").header("content-type", "application/json");
            assert_eq!(call.send().await.expect(404).json(), json!({ "status": 404, "error": "Not found" }), "{path}");
        }
        for (verb, path, allow) in [(Method::GET, INITIATE, "POST"), (Method::PUT, VERIFIER, "GET, HEAD, DELETE")] {
            let answer = app.request(verb, path).header("accept", "application/json").send().await.expect(405);
            assert_eq!(answer.header("allow"), allow);
            assert_eq!(answer.json(), json!({ "status": 405, "error": "Method Not Allowed" }));
        }
    }

    async fn the_tenant_comes_fifth(app: TestApp) {
        let shop = Tenant::of(&app);
        let mut refused = vec!["".to_owned(), "Bearer".to_owned(), "Bearer ".to_owned(), "Bearer x".to_owned(), "Bearer a.b.c".to_owned()];
        refused.push(format!("bearer {}", shop.token()));
        refused.push(format!("Bearer  {}", shop.token()));
        refused.push(format!("Basic {}", shop.token()));
        refused.push(shop.token());
        let mut cut = shop.token();
        cut.truncate(cut.len() - 4);
        refused.push(format!("Bearer {cut}"));
        let now = app.clock.now().timestamp();
        let variants: [fn(&mut tessera_tokens::access_token::AccessClaims, i64); 6] = [
            |claims, now| claims.exp = now,
            |claims, _| claims.aud = OneOrMany::One("http://elsewhere/methods".to_owned()),
            |claims, _| claims.iss = "http://elsewhere/oauth2".to_owned(),
            |claims, _| claims.scope = "verify:forced_code verifyx".to_owned(),
            |claims, _| claims.sub = "0196f1bf-0000-7000-8000-00000000a001".to_owned(),
            |claims, _| claims.sid = Some("a session".to_owned()),
        ];
        for change in variants {
            let mut claims = shop.claims();
            change(&mut claims, now);
            refused.push(format!("Bearer {}", signed(&app, TYP, &claims)));
        }
        refused.push(format!("Bearer {}", signed(&app, "JWT", &shop.claims())));
        for authorization in refused {
            for method in ["email", "nothing"] {
                let call = app.post(&format!("/methods/{method}/actions/initiate")).header("accept", "application/json");
                let answer = call.header("authorization", &authorization).json(&json!({})).send().await.expect(401);
                assert_eq!(answer.json(), json!({ "status": 401, "error": "Not Authorized" }), "{authorization}");
            }
        }
        let _ = app.get(VERIFIER).header("accept", "application/json").send().await.expect(401);
        let _ = app.delete(VERIFIER).header("accept", "application/json").send().await.expect(401);
        let _ = shop.get("dc910ae0-7c67-4ace-8ebb-9edd4b5d8b0f").await.expect(404);
    }

    async fn the_method_comes_sixth_and_its_name_is_exact(app: TestApp) {
        let shop = Tenant::of(&app);
        for method in ["sms", "Email", "EMAIL", "email ", "Phone", "GOOGLE_AUTH", "google-auth", "backup_codes"] {
            for (verb, tail) in [
                (Method::POST, "actions/initiate"), (Method::POST, "verifiers/a/actions/validate"), (Method::GET, "verifiers/a"),
                (Method::DELETE, "verifiers/a"),
            ] {
                let call = shop.call(verb, &format!("/methods/{method}/{tail}")).header("content-type", "application/json");
                let answer = call.send().await.expect(404);
                assert_eq!(answer.json(), json!({ "status": 404, "error": "Method not supported" }), "{method}");
            }
        }
    }

    async fn every_answer_after_accept_has_the_same_headers(app: TestApp) {
        let shop = Tenant::of(&app);
        for _ in 0..9 {
            let _ = shop.initiate(&by_mail("ada@example.org")).await.expect(200);
        }
        let large = format!("\"{}\"", "a".repeat(70_000));
        let answers = [
            shop.initiate(&by_mail("ada@example.org")).await.expect(200),
            shop.initiate(&by_mail("ada@example.org")).await.expect(429),
            shop.call(Method::POST, INITIATE).body("application/json", large).send().await.expect(413),
            shop.initiate(&json!({})).await.expect(422),
            shop.get("nothing").await.expect(404),
            shop.call(Method::GET, "/methods/x").send().await.expect(404),
            shop.call(Method::PUT, INITIATE).send().await.expect(405),
            app.get(VERIFIER).header("accept", "application/json").send().await.expect(401),
            shop.call(Method::POST, INITIATE).body("text/plain", "{}").send().await.expect(406),
            shop.call(Method::POST, INITIATE).body("application/json", "{").send().await.expect(400),
        ];
        for answer in answers {
            assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            assert_eq!(answer.header("x-frame-options"), "deny");
            assert_eq!(answer.header("content-security-policy"), "default-src 'none'");
            // The two refusals of headers are the only bodies that do not say it.
            let status = if answer.status == 406 { Value::Null } else { json!(answer.status.as_u16()) };
            assert_eq!(answer.json()["status"], status);
        }
    }
}
