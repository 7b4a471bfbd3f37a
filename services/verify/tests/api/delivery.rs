//! Messages on their way: repeated, given up, erased.

use chrono::TimeDelta;
use tessera_storage::{affected, run};
use tessera_testkit::{TestApp, json, on_every_database};

use super::providers::until;
use super::support::{Tenant, by_mail, mails, with};
use super::sweeps::begin_all;

/// Takes the mailbox away, or puts it back: what is sent meanwhile is not taken.
async fn mailbox_is_there(app: &TestApp, there: bool) {
    let text =
        if there { "alter table gone rename to dev_messages" } else { "alter table dev_messages rename to gone" };
    affected!(&mut app.databases.verify.write().await.expect("a connection"), sqlx::query(text)).expect("renamed");
}

/// The deliveries as they stand: state, tries, and whether something is still sealed.
async fn deliveries(app: &TestApp) -> Vec<(String, i64, bool)> {
    let mut conn = app.databases.verify.read().await.expect("a connection");
    run!(&mut conn, |e| sqlx::query_as(
        "select state, tries, sealed is not null from deliveries order by queued_at, id"
    )
    .fetch_all(e))
    .expect("rows")
}

/// Lets the worker finish what it has begun, until every delivery was tried so often.
async fn tried(app: &TestApp, tries: i64) {
    loop {
        app.platform.verify().deliver_due().await.expect("the queue can be read");
        let settled = "select cast(count(*) as bigint) from deliveries where state = 'queued' and (tries < $1 or next_try_at > $2)";
        let mut conn = app.databases.verify.read().await.expect("a connection");
        // A claim is longer than any pause after so few tries: who is still at it shows.
        let busy_after = app.clock.now() + TimeDelta::seconds(29);
        let open: i64 = run!(&mut conn, |e| sqlx::query_scalar(settled).bind(tries).bind(busy_after).fetch_one(e))
            .expect("a count");
        if open == 0 {
            return;
        }
    }
}

on_every_database! {
    async fn a_message_that_was_not_taken_is_repeated_until_it_is(app: TestApp) {
        let shop = Tenant::of(&app);
        mailbox_is_there(&app, false).await;
        let _ = shop.initiate(&by_mail("ada@example.org")).await.expect(200);
        tried(&app, 1).await;
        assert_eq!(deliveries(&app).await, [("queued".to_owned(), 1, true)]);
        app.platform.verify().deliver_due().await.expect("the queue can be read");
        assert_eq!(deliveries(&app).await, [("queued".to_owned(), 1, true)]);
        app.advance(TimeDelta::seconds(2));
        tried(&app, 2).await;
        mailbox_is_there(&app, true).await;
        app.advance(TimeDelta::seconds(4));
        app.platform.verify().deliver_due().await.expect("the queue can be read");
        let mail = mails(&app, "ada@example.org").await;
        assert_eq!(mail.len(), 1);
        tried(&app, 3).await;
        assert_eq!(deliveries(&app).await, [("sent".to_owned(), 3, false)]);
    }

    async fn a_message_whose_code_is_worth_nothing_any_more_is_not_sent(app: TestApp) {
        let shop = Tenant::of(&app);
        mailbox_is_there(&app, false).await;
        let _ = shop.initiate(&with(by_mail("late@example.org"), "policy.expiredOn", json!("00:01:00"))).await.expect(200);
        let id = shop.initiate(&by_mail("gone@example.org")).await.expect(200).json()["verificationId"].clone();
        tried(&app, 1).await;
        let _ = shop.delete(id.as_str().expect("an id")).await.expect(200);
        mailbox_is_there(&app, true).await;
        app.advance(TimeDelta::minutes(1));
        app.platform.verify().deliver_due().await.expect("the queue can be read");
        assert_eq!(app.get("/dev/messages").send().await.expect(200).json(), json!([]));
        let mut states = deliveries(&app).await;
        states.sort();
        assert_eq!(states, [("cancelled".to_owned(), 1, false), ("expired".to_owned(), 1, false)]);
    }

    async fn a_message_whose_code_was_guessed_at_too_often_is_not_sent(app: TestApp) {
        let shop = Tenant::of(&app);
        mailbox_is_there(&app, false).await;
        let _ = shop.initiate(&by_mail("ada@example.org")).await.expect(200);
        tried(&app, 1).await;
        // As a process leaves it that is killed when it has counted the fifth answer.
        affected!(&mut app.databases.verify.write().await.expect("a connection"), sqlx::query("update verifications set attempts = 5"))
            .expect("counted");
        mailbox_is_there(&app, true).await;
        app.advance(TimeDelta::minutes(1));
        until(&app, async || deliveries(&app).await == [("expired".to_owned(), 1, false)]).await;
        assert_eq!(app.get("/dev/messages").send().await.expect(200).json(), json!([]));
    }

    async fn messages_whose_codes_are_worth_nothing_any_more_end_however_many(app: TestApp) {
        let shop = Tenant::of(&app);
        mailbox_is_there(&app, false).await;
        let bodies: Vec<_> = (0..401)
            .map(|n| with(by_mail(&format!("late{n}@example.org")), "policy.expiredOn", json!("00:01:00")))
            .collect();
        begin_all(shop, &bodies).await;
        let _ = shop.initiate(&by_mail("ada@example.org")).await.expect(200);
        tried(&app, 1).await;
        app.advance(TimeDelta::minutes(1));
        // The platform's own worker takes its part of them.
        until(&app, async || deliveries(&app).await.iter().filter(|(state, ..)| state == "expired").count() == 401).await;
        mailbox_is_there(&app, true).await;
        app.advance(TimeDelta::minutes(1));
        assert_eq!(mails(&app, "ada@example.org").await.len(), 1);
    }

    async fn only_the_present_generation_is_sent(app: TestApp) {
        let shop = Tenant::of(&app);
        let forced = |template: &str| {
            let body = with(by_mail("ada@example.org"), "policy.forcedVerificationId", json!("dc910ae0-7c67-4ace-8ebb-9edd4b5d8b0f"));
            with(body, "template.body", json!(template))
        };
        mailbox_is_there(&app, false).await;
        let _ = shop.initiate(&forced("first")).await.expect(200);
        tried(&app, 1).await;
        let _ = shop.initiate(&forced("second")).await.expect(200);
        tried(&app, 1).await;
        mailbox_is_there(&app, true).await;
        app.advance(TimeDelta::minutes(1));
        app.platform.verify().deliver_due().await.expect("the queue can be read");
        let bodies: Vec<_> = mails(&app, "ada@example.org").await.iter().map(|mail| mail["body"].clone()).collect();
        assert_eq!(bodies, ["second"]);
    }

    async fn no_code_lies_about_in_the_database(app: TestApp) {
        let shop = Tenant::of(&app);
        mailbox_is_there(&app, false).await;
        let body = with(by_mail("ada@example.org"), "policy.forcedCode", json!("a very plain code"));
        let _ = shop.initiate(&body).await.expect(200);
        tried(&app, 1).await;
        let mut conn = app.databases.verify.read().await.expect("a connection");
        let (digest, sealed): (Vec<u8>, Vec<u8>) = run!(&mut conn, |e| sqlx::query_as(
            "select v.code_digest, d.sealed from verifications v join deliveries d on d.verification = v.row_id"
        ).fetch_one(e)).expect("a row");
        for stored in [digest, sealed] {
            assert!(!stored.is_empty());
            assert!(!stored.windows(5).any(|part| part == b"plain"));
        }
    }
}
