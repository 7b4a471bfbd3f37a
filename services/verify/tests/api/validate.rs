//! `POST /methods/email/verifiers/{verification_id}/actions/validate`.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures::future::join_all;
use tessera_testkit::{Answer, Value, json, on_every_database};

use super::support::{Tenant, by_mail, other_than, with};

/// How many answers have each status.
pub fn statuses(answers: &[Answer]) -> BTreeMap<u16, usize> {
    answers.iter().fold(BTreeMap::new(), |mut seen, answer| {
        *seen.entry(answer.status.as_u16()).or_default() += 1;
        seen
    })
}

/// Holds that of wrong answers, more than a verification takes, five were compared. `told` is what they were counted as; whoever was turned
/// away, as some are on a busy machine, may have been counted and not told.
pub fn five_were_compared(mut told: Vec<i64>, turned_away: usize) {
    told.sort_unstable();
    let untold = (1..=5).filter(|attempts| !told.contains(attempts)).count();
    assert!(told.len() + untold == 5 && untold <= turned_away, "{told:?}, and {turned_away} were turned away");
}

/// Holds that of so many wrong codes at once five are compared.
pub async fn five_are_compared_of(number: usize, shop: Tenant<'_>, id: &str, wrong: &str) {
    let wrong = json!({ "code": wrong });
    let mut answers = join_all((0..number).map(|_| shop.validate(id, &wrong))).await;
    // If many of them were turned away, these use up what is left: who comes alone is not.
    for _ in 0..6 {
        answers.push(shop.validate(id, &wrong).await);
    }
    let seen = statuses(&answers);
    let number_of = |status| seen.get(&status).copied().unwrap_or_default();
    let told: Vec<i64> = answers.iter().filter_map(|answer| answer.json()["data"]["attempts"].as_i64()).collect();
    assert_eq!((number_of(422), number_of(404) + number_of(503)), (told.len(), answers.len() - told.len()), "{seen:?}");
    five_were_compared(told, number_of(503));
}

fn not_found() -> Value {
    json!({ "status": 404, "error": "Not found" })
}

on_every_database! {
    async fn a_right_code_is_good_once(app: TestApp) {
        let shop = Tenant::of(&app);
        let (id, code) = shop.started(&with(by_mail("ada@example.org"), "payload", json!({ "b": 1, "a": 2 }))).await;
        let data = json!({
            "verificationId": id, "consumer": "ada@example.org", "expiredOn": app.clock.now().timestamp() + 3600,
            "payload": { "b": 1, "a": 2 }, "attempts": 0,
        });
        assert_eq!(shop.validate(&id, &json!({ "code": code })).await.expect(200).json(), json!({ "status": 200, "data": data }));
        assert_eq!(shop.validate(&id, &json!({ "code": code })).await.expect(404).json(), not_found());
        assert_eq!(shop.get(&id).await.expect(404).json(), not_found());
        assert_eq!(shop.delete(&id).await.expect(404).json(), not_found());
    }

    async fn a_wrong_code_is_counted_and_the_fifth_is_the_last(app: TestApp) {
        let shop = Tenant::of(&app);
        let (id, code) = shop.started(&by_mail("ada@example.org")).await;
        let wrong = json!({ "code": other_than(&code) });
        for attempts in 1..=5 {
            let answer = shop.validate(&id, &wrong).await.expect(422).json();
            let data = json!({
                "verificationId": id, "consumer": "ada@example.org", "expiredOn": app.clock.now().timestamp() + 3600, "attempts": attempts,
            });
            assert_eq!(answer, json!({ "status": 422, "error": "Invalid code", "data": data }));
        }
        assert_eq!(shop.validate(&id, &json!({ "code": code })).await.expect(404).json(), not_found());
        let _ = shop.get(&id).await.expect(404);
        let _ = shop.delete(&id).await.expect(404);
    }

    async fn earlier_failures_are_told_with_the_right_code(app: TestApp) {
        let shop = Tenant::of(&app);
        let (id, code) = shop.started(&by_mail("ada@example.org")).await;
        for _ in 0..4 {
            let _ = shop.validate(&id, &json!({ "code": other_than(&code) })).await.expect(422);
        }
        assert_eq!(shop.get(&id).await.expect(200).json()["data"]["attempts"], 4);
        assert_eq!(shop.validate(&id, &json!({ "code": code })).await.expect(200).json()["data"]["attempts"], 4);
    }

    async fn a_code_is_compared_exactly(app: TestApp) {
        let shop = Tenant::of(&app);
        let counted = [json!(123_456), json!("０１２３４５"), json!(""), json!("12345a "), json!("1".repeat(50_000))];
        let (id, _) = shop.started(&with(by_mail("ada@example.org"), "policy.forcedCode", json!("12345a"))).await;
        for (n, code) in (1..).zip(counted) {
            let answer = shop.validate(&id, &json!({ "code": code })).await.expect(422).json();
            assert_eq!((&answer["error"], &answer["data"]["attempts"]), (&json!("Invalid code"), &json!(n)));
        }
        let (id, _) = shop.started(&with(by_mail("eve@example.org"), "policy.forcedCode", json!("12345a"))).await;
        for (body, error) in [
            (json!({}), "is required"), (json!({ "code": null }), "must be a string"), (json!({ "code": ["12345a"] }), "must be a string"),
            (json!({ "code": { "a": 1 } }), "must be a string"), (json!({ "code": true }), "must be a string"),
        ] {
            let details = json!([{ "path": "code", "error": error }]);
            let expected = json!({ "status": 422, "error": "Invalid request", "details": details });
            assert_eq!(shop.validate(&id, &body).await.expect(422).json(), expected);
        }
        assert_eq!(shop.validate(&id, &json!({ "code": "12345A" })).await.expect(422).json()["data"]["attempts"], 1);
        let _ = shop.validate("nothing", &json!({})).await.expect(422);
        let _ = shop.validate(&id.to_uppercase(), &json!({ "code": "12345a", "removeSecret": true })).await.expect(200);
    }

    async fn leading_zeros_count_and_a_number_is_never_right(app: TestApp) {
        let shop = Tenant::of(&app);
        let (id, _) = shop.started(&with(by_mail("ada@example.org"), "policy.forcedCode", json!("001234"))).await;
        for wrong in [json!(1234), json!("1234")] {
            let _ = shop.validate(&id, &json!({ "code": wrong })).await.expect(422);
        }
        let _ = shop.validate(&id, &json!({ "code": "001234" })).await.expect(200);
        let (id, _) = shop.started(&with(by_mail("ada@example.org"), "policy.forcedCode", json!("123456"))).await;
        let _ = shop.validate(&id, &json!({ "code": 123_456 })).await.expect(422);
    }

    async fn after_its_deadline_there_is_nothing_and_no_answer_moves_it(app: TestApp) {
        let shop = Tenant::of(&app);
        let (id, code) = shop.started(&by_mail("ada@example.org")).await;
        app.advance(TimeDelta::hours(1) - TimeDelta::microseconds(1));
        let _ = shop.validate(&id, &json!({ "code": other_than(&code) })).await.expect(422);
        let _ = shop.get(&id).await.expect(200);
        app.advance(TimeDelta::microseconds(1));
        assert_eq!(shop.validate(&id, &json!({ "code": code })).await.expect(404).json(), not_found());
        let _ = shop.get(&id).await.expect(404);
        let _ = shop.delete(&id).await.expect(404);
    }

    async fn another_tenants_is_as_one_that_never_was(app: TestApp) {
        let (shop, bank) = (Tenant::of(&app), Tenant { client: "bank", ..Tenant::of(&app) });
        let (id, code) = shop.started(&by_mail("ada@example.org")).await;
        for theirs in [
            bank.validate(&id, &json!({ "code": code })).await, bank.get(&id).await, bank.delete(&id).await,
            bank.validate("dc910ae0-7c67-4ace-8ebb-9edd4b5d8b0f", &json!({ "code": code })).await,
        ] {
            assert_eq!(theirs.expect(404).json(), not_found());
        }
        assert_eq!(shop.validate(&id, &json!({ "code": code })).await.expect(200).json()["data"]["attempts"], 0);
    }

    async fn of_64_wrong_codes_at_once_at_most_five_are_compared(app: TestApp) {
        let shop = Tenant::of(&app);
        let (id, code) = shop.started(&by_mail("ada@example.org")).await;
        five_are_compared_of(64, shop, &id, &other_than(&code)).await;
        let _ = shop.validate(&id, &json!({ "code": code })).await.expect(404);
    }

    async fn of_several_right_codes_at_once_one_is_proved(app: TestApp) {
        let shop = Tenant::of(&app);
        for n in 0..5 {
            let (id, code) = shop.started(&by_mail(&format!("user{n}@example.org"))).await;
            let right = json!({ "code": code });
            let answers = join_all((0..4).map(|_| shop.validate(&id, &right))).await;
            assert_eq!(statuses(&answers), BTreeMap::from([(200, 1), (404, 3)]));
        }
    }

    async fn twenty_wrong_an_hour_are_all_that_a_consumer_gets(app: TestApp) {
        let shop = Tenant::of(&app);
        let id = "dc910ae0-7c67-4ace-8ebb-9edd4b5d8b0f";
        let body = |consumer: &str, id: &str| with(by_mail(consumer), "policy.forcedVerificationId", json!(id));
        for consumer in ["ada@example.org", "ADA@example.org", "ada@example.org", "Ada@example.org"] {
            // The same id again: the count of the verification begins anew, that of the consumer does not.
            let (_, code) = shop.started(&body(consumer, id)).await;
            for _ in 0..5 {
                let _ = shop.validate(id, &json!({ "code": other_than(&code) })).await.expect(422);
            }
        }
        let (_, code) = shop.started(&body("ada@example.org", id)).await;
        app.advance(TimeDelta::minutes(10));
        let answer = shop.validate(id, &json!({ "code": code })).await.expect(429);
        assert_eq!(answer.json(), json!({ "status": 429, "error": "Too Many Requests" }));
        assert_eq!(answer.header("retry-after"), "3001");
        assert_eq!(shop.get(id).await.expect(200).json()["data"]["attempts"], 0);
        let (other, right) = shop.started(&by_mail("eve@example.org")).await;
        let _ = shop.validate(&other, &json!({ "code": right })).await.expect(200);
        app.advance(TimeDelta::minutes(50));
        let (_, code) = shop.started(&body("ada@example.org", id)).await;
        let _ = shop.validate(id, &json!({ "code": code })).await.expect(200);
    }

    async fn right_codes_do_not_count_against_the_consumer(app: TestApp) {
        let shop = Tenant::of(&app);
        for n in 0..24 {
            if n % 8 == 0 {
                app.advance(TimeDelta::minutes(10));
            }
            let (id, code) = shop.started(&by_mail("ada@example.org")).await;
            let _ = shop.validate(&id, &json!({ "code": code })).await.expect(200);
        }
    }
}
