//! `POST /v1/client/sessions/{session_id}/tokens` and `…/end`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use tessera_testkit::{START, Value, json, on_every_database};

use crate::support::{client, cookie, session_id, session_token};

fn part(jwt: &str, index: usize) -> Value {
    let bytes = URL_SAFE_NO_PAD.decode(jwt.split('.').nth(index).expect("a part")).expect("base64url");
    serde_json::from_slice(&bytes).expect("JSON")
}

on_every_database! {
    async fn mints_a_token_of_a_minute(app: TestApp) {
        let cookie = cookie(&app, "ada@example.org").await;
        let id = session_id(&app, &cookie).await;
        let own = app.origin.clone();
        let path = format!("/v1/client/sessions/{id}/tokens");
        let answer = app.post(&path).cookie(&cookie).header("origin", &own).form(&[("organization_id", "")]).send().await.expect(200);
        let body = answer.json();
        assert_eq!(body["object"], "token");
        let jwt = body["jwt"].as_str().expect("a token");
        let kid = app.get("/.well-known/jwks.json").send().await.json()["keys"][0]["kid"].clone();
        assert_eq!(part(jwt, 0), json!({ "typ": "JWT", "alg": "RS256", "kid": kid, "cat": "cl_B7d4PD111AAA" }));
        let claims = part(jwt, 1);
        let iat = START.timestamp();
        assert_eq!((&claims["iat"], &claims["exp"], &claims["nbf"]), (&json!(iat), &json!(iat + 60), &json!(iat - 10)));
        assert_eq!((&claims["iss"], &claims["azp"], &claims["sid"]), (&json!(own), &json!(own), &json!(id)));
        assert_eq!((&claims["v"], &claims["sts"], &claims["fva"]), (&json!(2), &json!("active"), &json!([0, -1])));
        assert!(claims["sub"].as_str().is_some_and(|sub| sub.starts_with("user_")));
        assert_eq!(claims["jti"].as_str().map(str::len), Some(20));
        let again = app.post(&path).cookie(&cookie).send().await.expect(200).json();
        assert_ne!(body["jwt"], again["jwt"]);
        assert!(part(again["jwt"].as_str().expect("a token"), 1).get("azp").is_none());
    }

    async fn a_minted_token_is_a_credential_nowhere_here(app: TestApp) {
        let cookie = cookie(&app, "ada@example.org").await;
        let id = session_id(&app, &cookie).await;
        let jwt = app.post(&format!("/v1/client/sessions/{id}/tokens")).cookie(&cookie).send().await.expect(200).json()["jwt"].clone();
        let jwt = jwt.as_str().expect("a token");
        let _ = app.get("/sessions/1").bearer(jwt).send().await.expect(401);
        let _ = app.post("/identity/email_verification").bearer(jwt).send().await.expect(401);
        assert_eq!(app.get("/v1/client").bearer(jwt).send().await.expect(200).json()["response"], Value::Null);
    }

    async fn another_clients_session_and_an_unknown_one_are_one_404(app: TestApp) {
        let (ada, eve) = (cookie(&app, "ada@example.org").await, cookie(&app, "eve@example.org").await);
        let eves = session_id(&app, &eve).await;
        let random = "sess_2xOcQzH6oF9zQ0RKk8AsuyeMNM1";
        for verb in ["tokens", "end"] {
            let strip = |mut body: Value| {
                body["clerk_trace_id"] = Value::Null;
                body
            };
            let foreign = app.post(&format!("/v1/client/sessions/{eves}/{verb}")).cookie(&ada).send().await.expect(404);
            let unknown = app.post(&format!("/v1/client/sessions/{random}/{verb}")).cookie(&ada).send().await.expect(404);
            assert_eq!(strip(foreign.json()), strip(unknown.json()));
            assert_eq!(foreign.json()["errors"][0]["code"], "resource_not_found");
        }
        let organization = [("organization_id", "org_2xOcQzH6oF9zQ0RKk8AsuyeMNM1")];
        let refused = app.post(&format!("/v1/client/sessions/{eves}/tokens")).cookie(&eve).form(&organization).send().await.expect(404);
        assert_eq!(refused.json()["errors"][0]["code"], "organization_not_found_or_unauthorized");
    }

    async fn nobody_and_a_session_token_are_401(app: TestApp) {
        let cookie = cookie(&app, "ada@example.org").await;
        let id = session_id(&app, &cookie).await;
        let token = session_token(&app, "ada@example.org").await;
        for verb in ["tokens", "end"] {
            let path = format!("/v1/client/sessions/{id}/{verb}");
            for call in [app.post(&path), app.post(&path).cookie("tcl_x"), app.post(&path).bearer(&token).cookie(&cookie)] {
                let answer = call.send().await.expect(401);
                assert_eq!(answer.json()["errors"][0]["code"], "authentication_invalid");
                assert_eq!(answer.set_cookie("__client"), None);
            }
        }
    }

    async fn reads_one_of_its_own_sessions_and_no_other(app: TestApp) {
        let (ada, eve) = (cookie(&app, "ada@example.org").await, cookie(&app, "eve@example.org").await);
        let path = format!("/v1/client/sessions/{}", session_id(&app, &ada).await);
        let body = app.get(&path).cookie(&ada).send().await.expect(200).json();
        assert_eq!((&body["response"]["status"], &body["client"]["object"]), (&json!("active"), &json!("client")));
        let _ = app.get(&path).cookie(&eve).send().await.expect(404);
        let _ = app.get(&path).send().await.expect(401);
        let _ = app.post(&format!("{path}/end")).cookie(&ada).send().await.expect(200);
        let ended = app.get(&path).cookie(&ada).send().await.expect(200).json();
        assert_eq!((&ended["response"]["status"], &ended["response"]["last_active_token"]), (&json!("ended"), &Value::Null));
    }

    async fn an_ended_session_is_listed_and_mints_nothing(app: TestApp) {
        let cookie = cookie(&app, "ada@example.org").await;
        let id = session_id(&app, &cookie).await;
        let end = format!("/v1/client/sessions/{id}/end");
        let answer = app.post(&end).cookie(&cookie).send().await.expect(200);
        let body = answer.json();
        assert_eq!((&body["response"]["status"], &body["client"]["sessions"][0]["status"]), (&json!("ended"), &json!("ended")));
        assert_eq!(body["client"]["last_active_session_id"], Value::Null);
        assert_eq!((answer.set_cookie("__client"), answer.set_cookie("__client_uat")), (None, Some("0".to_owned())));
        let _ = app.post(&format!("/v1/client/sessions/{id}/tokens")).cookie(&cookie).send().await.expect(401);
        let again = app.post(&end).cookie(&cookie).send().await.expect(400);
        assert_eq!(again.json()["errors"][0]["code"], "invalid_action_for_session");
    }

    async fn a_removed_session_is_gone_from_the_list(app: TestApp) {
        let cookie = cookie(&app, "ada@example.org").await;
        let path = format!("/v1/client/sessions/{}", session_id(&app, &cookie).await);
        let _ = app.post(&format!("{path}/end")).cookie(&cookie).send().await.expect(200);
        let answer = app.post(&format!("{path}/remove")).cookie(&cookie).send().await.expect(200);
        let body = answer.json();
        assert_eq!((&body["response"]["status"], &body["client"]["sessions"]), (&json!("removed"), &json!([])));
        assert_eq!(answer.set_cookie("__client_uat"), Some("0".to_owned()));
        for verb in ["/remove", "/tokens"] {
            let _ = app.post(&format!("{path}{verb}")).cookie(&cookie).send().await.expect(401);
        }
    }

    async fn removing_a_live_session_ends_it(app: TestApp) {
        let cookie = cookie(&app, "ada@example.org").await;
        let path = format!("/v1/client/sessions/{}", session_id(&app, &cookie).await);
        let body = app.post(&format!("{path}/remove")).cookie(&cookie).send().await.expect(200).json();
        assert_eq!((&body["response"]["status"], &body["client"]["last_active_session_id"]), (&json!("removed"), &Value::Null));
        let _ = app.post(&format!("{path}/tokens")).cookie(&cookie).send().await.expect(401);
    }

    async fn an_idle_session_expires_by_the_clock_alone(app: TestApp) {
        let cookie = cookie(&app, "ada@example.org").await;
        let id = session_id(&app, &cookie).await;
        let path = format!("/v1/client/sessions/{id}/tokens");
        app.advance(TimeDelta::minutes(29));
        let _ = app.post(&path).cookie(&cookie).send().await.expect(200);
        app.advance(TimeDelta::minutes(29));
        let _ = app.post(&path).cookie(&cookie).send().await.expect(200);
        app.advance(TimeDelta::minutes(30));
        let _ = app.post(&path).cookie(&cookie).send().await.expect(401);
        assert_eq!(client(&app, &cookie).await["sessions"][0]["status"], "expired");
    }

    async fn pages_of_other_origins_may_not_act(app: TestApp) {
        let cookie = cookie(&app, "ada@example.org").await;
        let id = session_id(&app, &cookie).await;
        let path = format!("/v1/client/sessions/{id}/end");
        let answer = app.post(&path).cookie(&cookie).header("origin", "https://evil.test").send().await.expect(403);
        assert_eq!(answer.json()["errors"][0]["code"], "origin_invalid");
        let _ = app.post(&path).cookie(&cookie).header("sec-fetch-site", "cross-site").send().await.expect(403);
        assert_eq!(client(&app, &cookie).await["sessions"][0]["status"], "active");
        let text = app.post(&format!("/v1/client/sessions/{id}/tokens")).cookie(&cookie).body("text/plain", "organization_id=").send().await.expect(415);
        assert_eq!(text.json()["errors"][0]["code"], "unsupported_content_type");
    }
}
