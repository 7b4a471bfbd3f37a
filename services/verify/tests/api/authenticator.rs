//! `google_auth`: the codes of an authenticator app.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures::future::join_all;
use tessera_storage::{affected, run};
use tessera_testkit::{Value, json, on_every_database};

use super::authenticator_app::{AuthenticatorApp, by_app, enrolled, initiated, scanned, validate};
use super::support::{Tenant, by_mail, text, with};
use super::validate::{five_are_compared_of, statuses};

const STEP: TimeDelta = TimeDelta::seconds(30);

fn not_found() -> Value {
    json!({ "status": 404, "error": "Not found" })
}

on_every_database! {
    async fn the_first_right_code_confirms_what_was_scanned(app: TestApp) {
        let shop = Tenant::of(&app);
        let answer = shop.by("google_auth").initiate(&with(by_app("test@test.com"), "payload", json!({ "b": 1, "a": 2 }))).await;
        let said = answer.expect(200).json();
        let (id, uri) = (text(&said["verificationId"]), text(&said["totpUri"]));
        assert_eq!(uuid::Uuid::try_parse(&id).expect("a UUID").get_version_num(), 4);
        let (start, rest) = uri.split_once("?secret=").expect("a secret");
        assert_eq!(start, "otpauth://totp/Shop:test@test.com");
        let (secret, rest) = rest.split_once('&').expect("an issuer");
        assert!(secret.len() == 32 && secret.chars().all(|symbol| matches!(symbol, 'A'..='Z' | '2'..='7')), "{secret}");
        assert_eq!(rest, "issuer=Shop&algorithm=SHA1&digits=6&period=30");
        let expired_on = app.clock.now().timestamp() + 3600;
        let expected = json!({
            "status": 200, "verificationId": id, "consumer": "test@test.com", "expiredOn": expired_on,
            "payload": { "b": 1, "a": 2 }, "attempts": 0, "totpUri": uri,
        });
        assert_eq!(said, expected);
        let phone = AuthenticatorApp::scanned(&app, &uri);
        let answer = validate(&shop, &id, &phone.code()).await.expect(200).json();
        let data = json!({
            "verificationId": id, "consumer": "test@test.com", "expiredOn": expired_on, "payload": { "b": 1, "a": 2 }, "attempts": 0,
        });
        assert_eq!(answer, json!({ "status": 200, "data": data }));
        for over in [validate(&shop, &id, &phone.code_in(1)).await, shop.by("google_auth").get(&id).await] {
            assert_eq!(over.expect(404).json(), not_found());
        }
        assert!(initiated(&shop, "test@test.com").await.1.is_none());
    }

    async fn until_it_is_confirmed_every_initiate_has_another_secret(app: TestApp) {
        let shop = Tenant::of(&app);
        let (first, old) = scanned(&shop, "ada").await;
        let (second, new) = scanned(&shop, "ada").await;
        // Both are answered by the latest secret: what was scanned first is worth nothing any more.
        for id in [&first, &second] {
            let answer = validate(&shop, id, &old.code()).await.expect(422).json();
            assert_eq!((&answer["error"], &answer["data"]["attempts"]), (&json!("Invalid code"), &json!(1)));
        }
        let _ = validate(&shop, &first, &new.code()).await.expect(200);
        assert_eq!(initiated(&shop, "ada").await.1, None);
        // A wrong code leaves it as it was.
        let (id, phone) = scanned(&shop, "eve").await;
        let _ = validate(&shop, &id, &phone.wrong()).await.expect(422);
        assert!(initiated(&shop, "eve").await.1.is_some());
    }

    async fn a_code_is_good_once_whatever_it_is_used_for(app: TestApp) {
        let shop = Tenant::of(&app);
        let (id, phone) = scanned(&shop, "ada").await;
        let code = phone.code();
        let _ = validate(&shop, &id, &code).await.expect(200);
        // The code that confirmed is used up.
        let (id, _) = initiated(&shop, "ada").await;
        let answer = validate(&shop, &id, &code).await.expect(422).json();
        assert_eq!((&answer["error"], &answer["data"]["attempts"]), (&json!("Invalid code"), &json!(1)));
        app.advance(STEP);
        let code = phone.code();
        assert_eq!(validate(&shop, &id, &code).await.expect(200).json()["data"]["attempts"], 1);
        let (other, _) = initiated(&shop, "ada").await;
        assert_eq!(validate(&shop, &other, &code).await.expect(422).json()["data"]["attempts"], 1);
        // Nor is one before it good any more, though it never was used.
        app.advance(STEP);
        let _ = validate(&shop, &other, &phone.code_in(1)).await.expect(200);
        let (last, _) = initiated(&shop, "ada").await;
        let _ = validate(&shop, &last, &phone.code()).await.expect(422);
    }

    async fn one_step_off_is_right_and_two_are_not(app: TestApp) {
        let shop = Tenant::of(&app);
        for (consumer, steps, status) in [("a", -2, 422), ("b", -1, 200), ("c", 0, 200), ("d", 1, 200), ("e", 2, 422)] {
            let (id, phone) = scanned(&shop, consumer).await;
            let _ = validate(&shop, &id, &phone.code_in(steps)).await.expect(status);
        }
    }

    async fn a_code_is_read_as_it_was_meant(app: TestApp) {
        let shop = Tenant::of(&app);
        let phone = enrolled(&shop, "ada").await;
        // A step whose code has no zero in front can be told as a number: nine in ten are.
        let mut told_as_number = false;
        for n in 0..16 {
            app.advance(STEP);
            let (id, _) = initiated(&shop, "ada").await;
            let code = phone.code();
            let (front, back) = code.split_at(3);
            let typed = match (n, code.starts_with('0')) {
                (0, _) => json!(format!("{front} {back}")),
                (1, _) => json!(format!(" {front}-{back}\t")),
                (_, false) => {
                    told_as_number = true;
                    json!(code.parse::<u32>().expect("a number"))
                }
                (_, true) => json!(code),
            };
            let _ = shop.by("google_auth").validate(&id, &json!({ "code": typed })).await.expect(200);
            if told_as_number {
                break;
            }
        }
        assert!(told_as_number);
    }

    async fn a_code_of_another_kind_is_wrong_or_none(app: TestApp) {
        let shop = Tenant::of(&app);
        let (id, phone) = scanned(&shop, "ada").await;
        let code = phone.code();
        let wide: String = code.chars().map(|digit| char::from_u32(0xff10 + u32::from(digit) - 48).expect("a digit")).collect();
        for (body, error) in [
            (json!({}), "is required"), (json!({ "code": null }), "must be a string"), (json!({ "code": [code] }), "must be a string"),
            (json!({ "code": { "a": 1 } }), "must be a string"), (json!({ "code": true }), "must be a string"),
        ] {
            let details = json!([{ "path": "code", "error": error }]);
            let expected = json!({ "status": 422, "error": "Invalid request", "details": details });
            assert_eq!(shop.by("google_auth").validate(&id, &body).await.expect(422).json(), expected);
        }
        let wrong = [json!(wide), json!(""), json!(format!("0{code}")), json!("1".repeat(50_000)), json!(-1.5e3)];
        for (n, wrong) in (1..).zip(wrong) {
            let answer = shop.by("google_auth").validate(&id, &json!({ "code": wrong })).await.expect(422).json();
            assert_eq!((&answer["error"], &answer["data"]["attempts"]), (&json!("Invalid code"), &json!(n)));
        }
        let _ = validate(&shop, &id, &code).await.expect(404);
    }

    async fn the_fifth_wrong_code_is_the_last(app: TestApp) {
        let shop = Tenant::of(&app);
        let phone = enrolled(&shop, "ada").await;
        app.advance(STEP);
        let (id, _) = initiated(&shop, "ada").await;
        for attempts in 1..=5 {
            assert_eq!(validate(&shop, &id, &phone.wrong()).await.expect(422).json()["data"]["attempts"], attempts);
        }
        assert_eq!(validate(&shop, &id, &phone.code()).await.expect(404).json(), not_found());
        let _ = shop.by("google_auth").get(&id).await.expect(404);
        let _ = shop.by("google_auth").delete(&id).await.expect(404);
        // The secret is none the worse.
        let (id, _) = initiated(&shop, "ada").await;
        let _ = validate(&shop, &id, &phone.code()).await.expect(200);
    }

    async fn of_200_guesses_at_once_at_most_five_are_compared(app: TestApp) {
        let shop = Tenant::of(&app);
        let (id, phone) = scanned(&shop, "ada").await;
        five_are_compared_of(200, shop.by("google_auth"), &id, &phone.wrong()).await;
        let _ = validate(&shop, &id, &phone.code()).await.expect(404);
    }

    async fn of_several_who_use_one_code_at_once_one_does(app: TestApp) {
        let shop = Tenant::of(&app);
        let phone = enrolled(&shop, "ada").await;
        for _ in 0..3 {
            app.advance(STEP);
            let mut ids = Vec::new();
            for _ in 0..8 {
                ids.push(initiated(&shop, "ada").await.0);
            }
            let code = phone.code();
            let answers = join_all(ids.iter().map(|id| validate(&shop, id, &code))).await;
            assert_eq!(statuses(&answers), BTreeMap::from([(200, 1), (422, 7)]));
            app.advance(TimeDelta::hours(1));
        }
    }

    async fn removing_takes_a_right_code_and_the_word_true(app: TestApp) {
        let shop = Tenant::of(&app);
        let phone = enrolled(&shop, "ada").await;
        let remove = async |code: &str, word: Value| {
            let (id, uri) = initiated(&shop, "ada").await;
            assert_eq!(uri, None);
            shop.by("google_auth").validate(&id, &json!({ "code": code, "removeSecret": word })).await
        };
        for word in [json!("true"), json!(1), json!(false), json!(null)] {
            app.advance(STEP);
            let _ = remove(&phone.code(), word).await.expect(200);
        }
        app.advance(STEP);
        let _ = remove(&phone.wrong(), json!(true)).await.expect(422);
        // One that was used does not remove either.
        let used = phone.code_in(-1);
        let _ = remove(&used, json!(true)).await.expect(422);
        let (open, _) = initiated(&shop, "ada").await;
        let _ = remove(&phone.code(), json!(true)).await.expect(200);
        assert_eq!(validate(&shop, &open, &phone.code_in(1)).await.expect(404).json(), not_found());
        let (_, uri) = initiated(&shop, "ada").await;
        assert!(uri.is_some());
    }

    async fn removing_with_a_wrong_first_code_removes_nothing(app: TestApp) {
        let shop = Tenant::of(&app);
        let (id, phone) = scanned(&shop, "ada").await;
        let answer = shop.by("google_auth").validate(&id, &json!({ "code": phone.wrong(), "removeSecret": true })).await;
        assert_eq!(answer.expect(422).json()["error"], "Invalid code");
        // Neither removed nor confirmed by it: the secret that was shown takes the right code, and is shown no more.
        let _ = validate(&shop, &id, &phone.code()).await.expect(200);
        assert_eq!(initiated(&shop, "ada").await.1, None);
    }

    async fn removing_with_the_first_right_code_leaves_nothing(app: TestApp) {
        let shop = Tenant::of(&app);
        let (id, phone) = scanned(&shop, "ada").await;
        let answer = shop.by("google_auth").validate(&id, &json!({ "code": phone.code(), "removeSecret": true })).await;
        let _ = answer.expect(200);
        let (id, again) = scanned(&shop, "ada").await;
        let _ = validate(&shop, &id, &phone.code_in(1)).await.expect(422);
        let _ = validate(&shop, &id, &again.code()).await.expect(200);
    }

    async fn deleting_a_verification_and_its_end_leave_the_secret(app: TestApp) {
        let shop = Tenant::of(&app);
        let phone = enrolled(&shop, "ada").await;
        let (id, _) = initiated(&shop, "ada").await;
        assert_eq!(shop.by("google_auth").get(&id).await.expect(200).json()["data"]["consumer"], "ada");
        assert_eq!(shop.by("google_auth").delete(&id).await.expect(200).json(), json!({ "status": 200 }));
        assert_eq!(shop.by("google_auth").delete(&id).await.expect(404).json(), not_found());
        let (late, uri) = initiated(&shop, "ada").await;
        assert_eq!(uri, None);
        app.advance(TimeDelta::hours(1));
        assert_eq!(validate(&shop, &late, &phone.code()).await.expect(404).json(), not_found());
        let (id, _) = initiated(&shop, "ada").await;
        let _ = validate(&shop, &id, &phone.code()).await.expect(200);
    }

    async fn another_tenants_secret_is_never_reached(app: TestApp) {
        let (shop, bank) = (Tenant::of(&app), Tenant { client: "bank", ..Tenant::of(&app) });
        let phone = enrolled(&shop, "ada").await;
        app.advance(STEP);
        let (theirs, other) = scanned(&bank, "ada").await;
        let _ = validate(&bank, &theirs, &phone.code()).await.expect(422);
        let (mine, _) = initiated(&shop, "ada").await;
        for answer in [
            validate(&bank, &mine, &phone.code()).await, bank.by("google_auth").get(&mine).await, bank.by("google_auth").delete(&mine).await,
        ] {
            assert_eq!(answer.expect(404).json(), not_found());
        }
        let removing = json!({ "code": other.code(), "removeSecret": true });
        let _ = bank.by("google_auth").validate(&theirs, &removing).await.expect(200);
        assert_eq!(validate(&shop, &mine, &phone.code()).await.expect(200).json()["data"]["attempts"], 0);
    }

    async fn a_verification_of_another_method_is_not_found(app: TestApp) {
        let shop = Tenant::of(&app);
        let (id, phone) = scanned(&shop, "ada@example.org").await;
        for method in ["email", "backup_code"] {
            let _ = shop.by(method).validate(&id, &json!({ "code": phone.code() })).await.expect(404);
            let _ = shop.by(method).get(&id).await.expect(404);
            let _ = shop.by(method).delete(&id).await.expect(404);
        }
        let (mailed, code) = shop.started(&by_mail("ada@example.org")).await;
        let _ = validate(&shop, &mailed, &code).await.expect(404);
        let _ = validate(&shop, &id, &phone.code()).await.expect(200);
    }

    async fn twenty_wrong_an_hour_are_all_that_a_consumer_gets(app: TestApp) {
        let shop = Tenant::of(&app);
        let phone = enrolled(&shop, "ada@example.org").await;
        for _ in 0..4 {
            let (id, _) = initiated(&shop, "ada@example.org").await;
            for _ in 0..5 {
                let _ = validate(&shop, &id, &phone.wrong()).await.expect(422);
            }
        }
        let (id, _) = initiated(&shop, "ada@example.org").await;
        app.advance(TimeDelta::minutes(10));
        let answer = validate(&shop, &id, &phone.code()).await.expect(429);
        assert_eq!(answer.header("retry-after"), "3001");
        assert_eq!(shop.by("google_auth").get(&id).await.expect(200).json()["data"]["attempts"], 0);
        // Codes by mail, which strangers may have asked for, are counted apart.
        let (mailed, code) = shop.started(&by_mail("ada@example.org")).await;
        let _ = shop.validate(&mailed, &json!({ "code": code })).await.expect(200);
        app.advance(TimeDelta::minutes(50));
        let (id, _) = initiated(&shop, "ada@example.org").await;
        let _ = validate(&shop, &id, &phone.code()).await.expect(200);
    }

    async fn a_secret_is_sealed_to_whose_it_is(app: TestApp) {
        let shop = Tenant::of(&app);
        let (first, ada) = scanned(&shop, "ada").await;
        let (second, eve) = scanned(&shop, "eve").await;
        let swap = async || {
            for text in [
                "update authenticators set consumer = 'nobody' where consumer = 'ada'",
                "update authenticators set consumer = 'ada' where consumer = 'eve'",
                "update authenticators set consumer = 'eve' where consumer = 'nobody'",
            ] {
                affected!(&mut app.databases.verify.write().await.expect("a connection"), sqlx::query(text)).expect("moved");
            }
        };
        let sealed: Vec<Vec<u8>> = run!(
            &mut app.databases.verify.read().await.expect("a connection"),
            |e| sqlx::query_scalar("select pending_sealed from authenticators order by consumer").fetch_all(e)
        ).expect("rows");
        // The name of the key, the nonce, the secret and the tag.
        assert!(sealed.iter().all(|sealed| sealed.len() == 4 + 12 + 20 + 16), "{sealed:?}");
        swap().await;
        for (id, code) in [(&first, ada.code()), (&first, eve.code()), (&second, ada.code()), (&second, eve.code())] {
            let _ = validate(&shop, id, &code).await.expect(500);
        }
        swap().await;
        let _ = validate(&shop, &first, &ada.code()).await.expect(200);
        let _ = validate(&shop, &second, &eve.code()).await.expect(200);
    }
}
