//! What happens by itself, and when something that is needed is not there.

use std::sync::Arc;

use actix_web::{App, test, web};
use async_trait::async_trait;
use chrono::TimeDelta;
use secrecy::SecretString;
use tessera_common::config::Config;
use tessera_common::random::Random;
use tessera_messaging::Bus;
use tessera_storage::{Cache, affected, run};
use tessera_testkit::{TestApp, Value, json, on_every_database};
use tessera_tokens::access_token::{AccessTokens, PublicKeys};
use tessera_tokens::jwt::{TokenError, VerifyingKey};
use tessera_tokens::key_ring::KeyRing;
use tessera_verify::{Mailbox, Parts, Senders, Verify, program};

use super::authenticator_app::{enrolled, initiated, validate};
use super::support::{Tenant, by_mail, other_than};

/// Keys that were never had.
#[derive(Debug)]
struct NoKeys;

#[async_trait]
impl PublicKeys for NoKeys {
    async fn find(&self, _: &str) -> Result<Option<VerifyingKey>, TokenError> {
        Err(TokenError::KeysUnavailable)
    }
}

/// A context of its own on the databases of `app`. It knows no tenants.
pub fn replica(app: &TestApp, ring: &SecretString) -> Verify {
    let (db, clock) = (app.databases.verify.clone(), app.clock.clone());
    Verify::build(Parts {
        cache: Cache::Memory,
        bus: Bus::in_process(),
        senders: Senders::caught(&Mailbox::new(db.clone(), clock.clone())),
        db,
        ring: KeyRing::parse(ring).expect("a ring"),
        tenants: AccessTokens::new(Arc::new(NoKeys), "i".to_owned(), "a".to_owned(), clock.clone()),
        clock,
        random: Random::system(),
        address_factor: 1,
        settings: Config::layer(&[program::DEFAULTS], None, [])
            .and_then(|config| config.read_section("verify"))
            .expect("settings"),
    })
    .expect("built")
}

pub async fn rows(app: &TestApp, table: &'static str) -> i64 {
    let mut conn = app.databases.verify.read().await.expect("a connection");
    let text = match table {
        "verifications" => "select count(*) from verifications",
        "deliveries" => "select count(*) from deliveries",
        "counters" => "select count(*) from counters",
        "authenticators" => "select count(*) from authenticators",
        "answers" => "select count(*) from answers",
        "resends" => "select count(*) from resends",
        "codes" => "select count(sealed_code) from verifications",
        _ => "select count(*) from dev_messages",
    };
    run!(&mut conn, |e| sqlx::query_scalar(text).fetch_one(e)).expect("a count")
}

on_every_database! {
    async fn what_has_ended_is_deleted_a_day_later(app: TestApp) {
        let shop = Tenant::of(&app);
        let (id, code) = shop.started(&by_mail("ada@example.org")).await;
        let _ = shop.validate(&id, &json!({ "code": other_than(&code) })).await.expect(422);
        app.advance(TimeDelta::hours(24));
        app.platform.verify().sweep().await.expect("swept");
        assert_eq!((rows(&app, "verifications").await, rows(&app, "deliveries").await, rows(&app, "counters").await), (1, 1, 0));
        let (_, _) = shop.started(&by_mail("eve@example.org")).await;
        app.advance(TimeDelta::hours(1));
        app.platform.verify().sweep().await.expect("swept");
        assert_eq!((rows(&app, "verifications").await, rows(&app, "deliveries").await, rows(&app, "counters").await), (1, 1, 0));
    }

    async fn a_secret_that_nobody_confirmed_goes_and_a_confirmed_one_stays(app: TestApp) {
        let shop = Tenant::of(&app);
        let phone = enrolled(&shop, "ada").await;
        for n in 0..3 {
            let _ = initiated(&shop, &format!("eve{n}")).await;
        }
        assert_eq!(rows(&app, "authenticators").await, 4);
        app.advance(TimeDelta::hours(26));
        app.platform.verify().sweep().await.expect("swept");
        assert_eq!(rows(&app, "authenticators").await, 1);
        let (id, uri) = initiated(&shop, "ada").await;
        assert_eq!(uri, None);
        let _ = validate(&shop, &id, &phone.code()).await.expect(200);
    }

    async fn the_mailbox_keeps_the_newest_thousand(app: TestApp) {
        let shop = Tenant::of(&app);
        let (_, _) = shop.started(&by_mail("ada@example.org")).await;
        affected!(&mut app.databases.verify.write().await.expect("a connection"), sqlx::query("update dev_messages set number = -998"))
            .expect("moved");
        let (_, _) = shop.started(&by_mail("eve@example.org")).await;
        assert_eq!(rows(&app, "dev_messages").await, 1);
    }

    async fn an_address_is_refused_as_a_flood_and_not_before(app: TestApp) {
        let verify = replica(&app, &KeyRing::generate(&Random::system()));
        let service = App::new().app_data(web::Data::new(verify)).configure(|config| tessera_verify::endpoints().configure(config));
        let service = test::init_service(service).await;
        // Nobody's: neither a token is checked, nor a row read. What is earned back meanwhile is 100 a second.
        let mut taken = 0;
        let refused = loop {
            let get = test::TestRequest::get().uri("/methods/email/verifiers/x").insert_header(("accept", "application/json"));
            let answer = test::call_service(&service, get.to_request()).await;
            if answer.status() != 401 {
                break answer;
            }
            taken += 1;
            assert!(taken < 20_000, "an address is never refused");
        };
        assert_eq!(refused.status().as_u16(), 429);
        let policy = refused.headers().get("ratelimit-policy").expect("the limit");
        assert_eq!(policy, "\"default\";q=6000;w=60");
        assert!(taken >= 6000, "{taken}");
        assert_eq!(refused.headers().get("content-type").expect("a type"), "application/json; charset=utf-8");
        assert_eq!(refused.headers().get("ratelimit").expect("what is left"), "\"default\";r=0;t=1");
        assert_eq!(refused.headers().get("retry-after").expect("a wait"), "1");
    }

    async fn without_keys_to_check_tokens_with_it_says_when_to_come_back(app: TestApp) {
        let verify = replica(&app, &KeyRing::generate(&Random::system()));
        let service = App::new().app_data(web::Data::new(verify)).configure(|config| tessera_verify::endpoints().configure(config));
        let service = test::init_service(service).await;
        let get = || {
            let get = test::TestRequest::get().uri("/methods/email/verifiers/x");
            get.insert_header(("authorization", format!("Bearer {}", Tenant::of(&app).token())))
        };
        let answer = test::call_service(&service, get().insert_header(("accept", "application/json")).to_request()).await;
        assert_eq!(answer.status().as_u16(), 503);
        assert_eq!(answer.headers().get("content-type").expect("a type"), "application/json; charset=utf-8");
        let wait = answer.headers().get("retry-after").and_then(|wait| wait.to_str().ok()?.parse::<u32>().ok());
        assert!(wait.is_some_and(|seconds| seconds > 0), "{wait:?}");
        let body: Value = test::read_body_json(answer).await;
        assert_eq!(body, json!({ "status": 503, "error": "Auth service unavailable" }));
        // A client library that sends no Accept at all.
        assert_eq!(test::call_service(&service, get().to_request()).await.status().as_u16(), 406);
    }
}
