//! `POST /oauth2/token`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tessera_storage::affected;
use tessera_testkit::{Engine, Method, TestApp, Value, on_every_database};
use tessera_tokens::access_token::OneOrMany;
use tessera_tokens::jwt::TokenError;

use crate::support::{ID, OWN, SECRET, by_basic, by_form, error, read, set_secret, token};

on_every_database! {
    async fn a_client_gets_a_token_of_its_own(app: TestApp) {
        let answer = by_basic(&app, &[OWN, ("scope", "verify")]).send().await.expect(200);
        let body = answer.json();
        assert_eq!(members(&body), ["access_token", "token_type", "expires_in", "scope"]);
        assert_eq!((&body["token_type"], &body["expires_in"], &body["scope"]), (&"Bearer".into(), &300.into(), &"verify".into()));
        assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
        let claims = read(&app, "/methods", &token(&answer)).await.expect("accepted");
        assert!(claims.is_clients_own() && claims.has_scope("verify"));
        assert_eq!((claims.sub.as_str(), claims.client_id.as_str()), (ID, ID));
        assert_eq!(claims.aud, OneOrMany::One(format!("{}/methods", app.origin)));
        assert_eq!((claims.iat, claims.exp - claims.iat), (app.clock.now().timestamp(), 300));
        assert!(claims.sid.is_none() && claims.auth_time.is_none());
    }

    async fn each_token_has_a_name_of_its_own(app: TestApp) {
        let first = read(&app, "/methods", &token(&by_basic(&app, &[OWN]).send().await.expect(200))).await.expect("accepted");
        let second = read(&app, "/methods", &token(&by_basic(&app, &[OWN]).send().await.expect(200))).await.expect("accepted");
        assert_ne!(first.jti, second.jti);
    }

    async fn without_a_scope_it_is_for_all_the_client_may_hold_itself(app: TestApp) {
        let answer = by_basic(&app, &[OWN]).send().await.expect(200);
        assert_eq!(answer.json()["scope"], "verify verify:forced_code admin");
        let claims = read(&app, "/admin", &token(&answer)).await.expect("accepted");
        assert_eq!(claims.aud, OneOrMany::Many(vec![format!("{}/methods", app.origin), format!("{}/admin", app.origin)]));
    }

    async fn a_resource_accepts_only_tokens_for_itself(app: TestApp) {
        let answer = by_basic(&app, &[OWN, ("scope", "verify")]).send().await.expect(200);
        for path in ["/admin", "/sessions", "/oauth2/userinfo", "/methods/", ""] {
            assert_eq!(read(&app, path, &token(&answer)).await, Err(TokenError::NotForThis), "{path}");
        }
        app.advance(chrono::TimeDelta::seconds(300));
        assert_eq!(read(&app, "/methods", &token(&answer)).await, Err(TokenError::Expired));
    }

    async fn a_client_may_prove_itself_in_the_form(app: TestApp) {
        let form = [OWN, ("client_id", ID), ("client_secret", SECRET)];
        let _ = by_form(&app, &form).send().await.expect(200);
    }

    async fn names_in_camel_case_are_read_and_mirrored(app: TestApp) {
        let form = [("grantType", "client_credentials"), ("clientId", ID), ("clientSecret", SECRET), ("scope", "verify")];
        let answer = by_form(&app, &form).send().await.expect(200).json();
        assert_eq!(
            members(&answer),
            ["access_token", "token_type", "expires_in", "scope", "accessToken", "tokenType", "expiresIn"]
        );
        assert_eq!(answer["accessToken"], answer["access_token"]);
        assert_eq!((&answer["tokenType"], &answer["expiresIn"]), (&"Bearer".into(), &300.into()));

        let mixed = by_form(&app, &[OWN, ("clientId", ID), ("client_secret", SECRET)]).send().await.expect(200).json();
        assert!(mixed["accessToken"].is_string());
    }

    async fn a_parameter_twice_or_in_both_spellings_is_refused(app: TestApp) {
        for twice in [[OWN, ("grantType", "client_credentials")], [OWN, OWN], [("scope", "verify"), ("scope", "verify")]] {
            let answer = by_basic(&app, &twice).send().await.expect(400);
            assert_eq!(error(&answer), "invalid_request", "{twice:?}");
        }
        let both = [OWN, ("client_id", ID), ("clientId", ID), ("client_secret", SECRET)];
        assert_eq!(error(&by_form(&app, &both).send().await.expect(400)), "invalid_request");
    }

    async fn empty_is_absent_and_unknown_is_ignored(app: TestApp) {
        let form = [OWN, ("scope", ""), ("resource", ""), ("client_id", ""), ("client_secret", ""), ("extra", "1"), ("extra", "2")];
        assert_eq!(by_basic(&app, &form).send().await.expect(200).json()["scope"], "verify verify:forced_code admin");
        let empty = by_basic(&app, &[("grant_type", "")]).send().await.expect(400);
        assert_eq!(error(&empty), "invalid_request");
    }

    async fn the_query_string_is_not_read(app: TestApp) {
        let path = format!("/oauth2/token?grant_type=client_credentials&client_id={ID}&client_secret={SECRET}");
        assert_eq!(error(&app.post(&path).form(&[]).send().await.expect(400)), "invalid_request");
        assert_eq!(error(&app.post(&path).form(&[OWN]).send().await.expect(401)), "invalid_client");
    }

    async fn grants_that_are_not_served_are_unsupported(app: TestApp) {
        for grant in ["password", "implicit", "authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"] {
            let answer = by_basic(&app, &[("grant_type", grant), ("username", "a"), ("password", "b")]).send().await.expect(400);
            assert_eq!(error(&answer), "unsupported_grant_type", "{grant}");
        }
    }

    async fn a_secret_of_any_characters_works_encoded(app: TestApp) {
        let secret = "a:b+c%d e&f=g/ü";
        set_secret(&app, ID, secret).await;
        let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
        let _ = app.post("/oauth2/token").basic("tessera%2Ddev", &encoded).form(&[OWN]).send().await.expect(200);
        let _ = app.post("/oauth2/token").basic(ID, secret).form(&[OWN]).send().await.expect(401);
        let _ = by_form(&app, &[OWN, ("client_id", ID), ("client_secret", secret)]).send().await.expect(200);
    }

    async fn an_unknown_client_and_a_wrong_secret_are_told_alike(app: TestApp) {
        let of = async |id: &str, secret: &str| app.post("/oauth2/token").basic(id, secret).form(&[OWN]).send().await.expect(401);
        let wrong = of(ID, "wrong").await;
        assert_eq!(error(&wrong), "invalid_client");
        for (id, secret) in [("nobody", SECRET), (ID, ""), ("", ""), ("a b", "c"), ("tessera-dev-public", SECRET), ("TESSERA-DEV", SECRET)] {
            let answer = of(id, secret).await;
            assert_eq!((answer.text.as_str(), challenge(&answer)), (wrong.text.as_str(), challenge(&wrong)), "{id}");
        }
        assert_eq!(challenge(&wrong), "Basic realm=\"oauth2\", charset=\"UTF-8\"");
    }

    async fn the_scheme_is_named_to_those_who_used_it(app: TestApp) {
        for form in [&[OWN, ("client_id", ID), ("client_secret", "wrong")][..], &[OWN, ("client_id", ID)], &[OWN, ("client_secret", SECRET)], &[OWN]] {
            let answer = by_form(&app, form).send().await.expect(401);
            assert_eq!((error(&answer).as_str(), challenge(&answer)), ("invalid_client", ""), "{form:?}");
        }
        for header in ["Basic", "Basic ???", "basic dGVzc2VyYS1kZXY="] {
            let answer = by_form(&app, &[OWN]).header("authorization", header).send().await.expect(401);
            assert!(challenge(&answer).starts_with("Basic "), "{header}");
        }
        let bearer = by_form(&app, &[OWN]).bearer("abc").send().await.expect(401);
        assert_eq!(challenge(&bearer), "");
        let lower = format!("basic {}", STANDARD.encode(format!("{ID}:{SECRET}")));
        let _ = by_form(&app, &[OWN]).header("authorization", &lower).send().await.expect(200);
    }

    async fn two_methods_at_once_are_refused(app: TestApp) {
        for second in [("client_secret", SECRET), ("client_assertion", "a.b.c"), ("client_id", "tessera-dev-public")] {
            let answer = by_basic(&app, &[OWN, second]).send().await.expect(400);
            assert_eq!(error(&answer), "invalid_request", "{second:?}");
        }
        let _ = by_basic(&app, &[OWN, ("client_id", ID)]).send().await.expect(200);
    }

    async fn only_a_registered_method_counts(app: TestApp) {
        change(&app, r#"update oauth_clients set auth_methods = '["client_secret_basic"]'"#).await;
        let form = [OWN, ("client_id", ID), ("client_secret", SECRET)];
        assert_eq!(error(&by_form(&app, &form).send().await.expect(401)), "invalid_client");
        let _ = by_basic(&app, &[OWN]).send().await.expect(200);
    }

    async fn a_disabled_client_is_unknown_at_once(app: TestApp) {
        let _ = by_basic(&app, &[OWN]).send().await.expect(200);
        change(&app, "update oauth_clients set enabled = false").await;
        assert_eq!(error(&by_basic(&app, &[OWN]).send().await.expect(401)), "invalid_client");
    }

    async fn an_old_secret_works_until_it_expires(app: TestApp) {
        change(&app, "update client_secrets set expires_at = '2026-01-15T10:00:10+00:00'").await;
        set_secret(&app, ID, "new").await;
        let _ = by_basic(&app, &[OWN]).send().await.expect(200);
        app.advance(chrono::TimeDelta::seconds(10));
        let _ = by_basic(&app, &[OWN]).send().await.expect(401);
        let _ = app.post("/oauth2/token").basic(ID, "new").form(&[OWN]).send().await.expect(200);
    }

    async fn a_public_client_has_no_token_of_its_own(app: TestApp) {
        let answer = by_form(&app, &[OWN, ("client_id", "tessera-dev-public")]).send().await.expect(400);
        assert_eq!(error(&answer), "unauthorized_client");
        let pretending = [OWN, ("client_id", "tessera-dev-public"), ("client_secret", SECRET)];
        assert_eq!(error(&by_form(&app, &pretending).send().await.expect(401)), "invalid_client");
    }

    async fn a_client_that_is_not_registered_for_the_grant_is_refused(app: TestApp) {
        change(&app, r#"update oauth_clients set grant_types = '["authorization_code"]'"#).await;
        assert_eq!(error(&by_basic(&app, &[OWN]).send().await.expect(400)), "unauthorized_client");
    }

    async fn scopes_are_not_widened(app: TestApp) {
        for scope in ["openid", "verify openid", "offline_access", "bogus", "verify bogus", "VERIFY", "introspect-token", "client:register", "verify\u{a0}admin"] {
            let answer = by_basic(&app, &[OWN, ("scope", scope)]).send().await.expect(400);
            assert_eq!(error(&answer), "invalid_scope", "{scope}");
        }
        let answer = by_basic(&app, &[OWN, ("scope", "admin  verify admin")]).send().await.expect(200);
        assert_eq!(answer.json()["scope"], "verify admin");
    }

    async fn a_resource_narrows_the_token(app: TestApp) {
        let at = |path: &str| format!("{}{path}", app.origin);
        let answer = by_basic(&app, &[OWN, ("resource", &at("/admin"))]).send().await.expect(200);
        assert_eq!(answer.json()["scope"], "admin");
        assert_eq!(read(&app, "/admin", &token(&answer)).await.expect("accepted").aud, OneOrMany::One(at("/admin")));
        let two = [OWN, ("resource", &at("/admin")), ("resource", &at("/methods"))];
        assert_eq!(by_basic(&app, &two).send().await.expect(200).json()["scope"], "verify verify:forced_code admin");
        for resource in [at("/sessions"), at("/oauth2/userinfo"), at("/admin/"), at("/admin#x"), at(""), "admin".to_owned(), "https://evil.test/admin".to_owned()] {
            let answer = by_basic(&app, &[OWN, ("resource", &resource)]).send().await.expect(400);
            assert_eq!(error(&answer), "invalid_target", "{resource}");
        }
    }

    async fn oversized_requests_are_refused(app: TestApp) {
        for scope in ["x".repeat(1025), "verify ".repeat(51)] {
            assert_eq!(error(&by_basic(&app, &[OWN, ("scope", &scope)]).send().await.expect(400)), "invalid_scope");
        }
        let large = by_basic(&app, &[OWN, ("scope", &"x".repeat(1024 * 1024))]).send().await.expect(413);
        assert_eq!(error(&large), "invalid_request");
    }

    async fn only_forms_are_read(app: TestApp) {
        for (media_type, body) in [("application/json", r#"{"grant_type":"client_credentials"}"#), ("text/plain", "grant_type=client_credentials")] {
            let answer = app.post("/oauth2/token").basic(ID, SECRET).body(media_type, body).send().await.expect(415);
            assert_eq!(error(&answer), "invalid_request");
        }
        let nothing = app.post("/oauth2/token").basic(ID, SECRET).send().await.expect(400);
        assert_eq!(error(&nothing), "invalid_request");
        let with_charset = app.post("/oauth2/token").basic(ID, SECRET);
        let with_charset = with_charset.body("application/x-www-form-urlencoded;charset=UTF-8", "grant_type=client_credentials");
        let _ = with_charset.send().await.expect(200);
    }

    async fn other_verbs_are_refused(app: TestApp) {
        for verb in [Method::GET, Method::PUT, Method::DELETE] {
            assert_eq!(app.request(verb, "/oauth2/token").send().await.expect(405).header("allow"), "POST");
        }
    }

    async fn errors_are_text_for_those_who_name_it_first(app: TestApp) {
        let plain = by_basic(&app, &[OWN, ("scope", "bogus")]).header("accept", "text/plain").send().await.expect(400);
        assert_eq!(plain.header("content-type"), "text/plain; charset=utf-8");
        assert!(!plain.text.starts_with('{') && !plain.text.is_empty());
        let json = by_basic(&app, &[OWN, ("scope", "bogus")]).header("accept", "*/*").send().await.expect(400);
        assert_eq!(json.header("content-type"), "application/json; charset=utf-8");
        let granted = by_basic(&app, &[OWN]).header("accept", "text/plain").send().await.expect(200);
        assert_eq!(granted.header("content-type"), "application/json; charset=utf-8");
    }

    async fn tokens_are_signed_as_the_client_is_registered(app: TestApp) {
        for alg in ["ES256", "EdDSA", "RS256"] {
            change(&app, &format!("update oauth_clients set access_token_alg = '{alg}'")).await;
            let issued = token(&by_basic(&app, &[OWN]).send().await.expect(200));
            assert!(read(&app, "/methods", &issued).await.is_ok());
            assert_eq!(header(&issued)["alg"], alg);
            assert_eq!(header(&issued)["typ"], "at+jwt");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_of_an_address_are_limited_on_sqlite() {
    failures_of_an_address_are_limited_and_its_successes_are_not(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn failures_of_an_address_are_limited_on_postgres() {
    if Engine::postgres_is_wanted() {
        failures_of_an_address_are_limited_and_its_successes_are_not(Engine::Postgres).await;
    }
}

async fn failures_of_an_address_are_limited_and_its_successes_are_not(engine: Engine) {
    let app = TestApp::start_with(engine, &[("TESSERA_LIMITS_ADDRESS_FACTOR", "1")]).await;
    let wrong = async || app.post("/oauth2/token").basic(ID, "wrong").form(&[OWN]).send().await;
    for _ in 0..30 {
        let _ = by_basic(&app, &[OWN]).send().await.expect(200);
        let _ = wrong().await.expect(401);
    }
    let limited = wrong().await.expect(429);
    assert_eq!(error(&limited), "temporarily_unavailable");
    assert!(limited.header("retry-after").parse::<u32>().is_ok_and(|seconds| (1..=601).contains(&seconds)));
    // Guessing does not go on: the right secret is not told from a wrong one any more.
    let _ = by_basic(&app, &[OWN]).send().await.expect(429);
    app.advance(chrono::TimeDelta::minutes(10));
    let _ = by_basic(&app, &[OWN]).send().await.expect(200);
}

async fn change(app: &TestApp, sql: &str) {
    let sql = sqlx::AssertSqlSafe(format!("{sql} where client_id = '{ID}'"));
    assert_eq!(
        affected!(&mut app.databases.oauth.write().await.expect("a connection"), sqlx::query(sql)).expect("changed"),
        1
    );
}

fn members(object: &Value) -> Vec<&str> {
    object.as_object().expect("an object").keys().map(String::as_str).collect()
}

fn challenge(answer: &tessera_testkit::Answer) -> &str {
    answer.header("www-authenticate")
}

fn header(token: &str) -> Value {
    let (header, _) = token.split_once('.').expect("a header");
    let decoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(header).expect("base64url");
    serde_json::from_slice(&decoded).expect("JSON")
}
