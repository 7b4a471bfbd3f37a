//! What auth notes of its users that others have seen.

use std::collections::BTreeMap;
use std::time::Duration;

use tessera_common::random::Random;
use tessera_contracts::events::{Delivery, DeliveryFailed, Verification};
use tessera_contracts::ids::{UserId, VerificationId};
use tessera_contracts::sibling::Sibling;
use tessera_contracts::verify::{
    Channel, CodeForm, Initiate, Message, MessageName, Purpose, ServesSiblings as _, Validate, VerifyApi as _,
};
use tessera_messaging::Outbox;
use tessera_storage::{Db, affected, run};
use tessera_testkit::{TestApp, on_every_database};
use uuid::Uuid;

use crate::support::sign_up;

/// The user who has just signed up, alone.
async fn user(app: &TestApp) -> UserId {
    sign_up(app, "ada@example.org").await;
    let mut conn = app.databases.auth.read().await.expect("a connection");
    let id: Uuid = run!(&mut conn, |e| sqlx::query_scalar("select id from users").fetch_one(e)).expect("a user");
    id.into()
}

/// Guesses at a code of `subject` until it takes no more answers.
async fn guess(app: &TestApp, subject: UserId, address: &str) {
    let id = VerificationId::new(app.clock.now(), &Random::system());
    let holder = format!("sign_in:{id}");
    let verify = app.platform.verify().for_sibling(Sibling::Auth);
    let begun = verify.initiate(Initiate {
        id,
        holder: holder.clone(),
        channel: Channel::Email,
        purpose: Purpose::SignIn,
        subject,
        destination: address.to_owned(),
        message: Message { name: MessageName::SignInCode, values: BTreeMap::new() },
        code: CodeForm::Short { digits: 6 },
        lifetime_s: 600,
        browser_client: None,
    });
    let _ = begun.await.expect("begun");
    for _ in 0..5 {
        let wrong = Validate { id, holder: holder.clone(), code: "x".to_owned().into() };
        let _ = verify.validate(wrong).await.expect("judged");
    }
}

/// verify says that a message to the subject of a verification was given up.
async fn given_up(app: &TestApp, tenant: &str, subject: Option<UserId>) {
    let (now, random) = (app.clock.now(), Random::system());
    let verification = Verification {
        tenant: tenant.to_owned(),
        verification_id: "any".to_owned(),
        method: "email".to_owned(),
        user_id: subject.map(|subject| subject.to_string()),
    };
    let id = VerificationId::new(now, &random).to_string();
    let delivery = Delivery { id, verification: Some(verification), ..Delivery::default() };
    let mut tx = app.databases.verify.begin().await.expect("a transaction");
    let event = DeliveryFailed::new(delivery, now);
    Outbox::new("verify").emit(&mut tx, now, &random, &event).await.expect("emitted");
    tx.commit().await.expect("committed");
}

/// Waits until auth has taken so many events of verify, and answers what it has noted.
async fn noted(app: &TestApp, taken: i64) -> Vec<(Uuid, String)> {
    let count = async |db: &Db, text: &'static str| {
        let mut conn = db.read().await.expect("a connection");
        let count: i64 = run!(&mut conn, |e| sqlx::query_scalar(text).fetch_one(e)).expect("a count");
        count
    };
    let is_taken = async || {
        count(&app.databases.auth, "select count(*) from inbox where consumer = 'auth.account_events'").await >= taken
            && count(&app.databases.verify, "select count(*) from outbox where published_at is null").await == 0
    };
    let waiting = async {
        while !is_taken().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("the events come");
    let mut conn = app.databases.auth.read().await.expect("a connection");
    let text = "select user_id, action from account_events order by id";
    run!(&mut conn, |e| sqlx::query_as(text).fetch_all(e)).expect("rows")
}

async fn dead_letters(app: &TestApp) -> i64 {
    let mut conn = app.databases.verify.read().await.expect("a connection");
    run!(&mut conn, |e| sqlx::query_scalar("select count(*) from dead_letters").fetch_one(e)).expect("a count")
}

on_every_database! {
    async fn a_code_that_was_guessed_at_too_often_is_an_event_of_its_user(app: TestApp) {
        let user = user(&app).await;
        guess(&app, UserId::new(app.clock.now(), &Random::system()), "eve@example.org").await;
        guess(&app, user, "joe@example.org").await;
        assert_eq!(noted(&app, 2).await, [(user.uuid(), "verification_exhausted".to_owned())]);
        assert_eq!(dead_letters(&app).await, 0);
    }

    async fn a_message_that_did_not_arrive_is_an_event_of_its_user_once(app: TestApp) {
        let user = user(&app).await;
        given_up(&app, "client:shop", None).await;
        // Whatever a tenant's event says.
        given_up(&app, "client:shop", Some(user)).await;
        given_up(&app, "platform", Some(UserId::new(app.clock.now(), &Random::system()))).await;
        given_up(&app, "platform", Some(user)).await;
        let once = [(user.uuid(), "delivery_failed".to_owned())];
        assert_eq!(noted(&app, 4).await, once);
        // All of them come again.
        affected!(
            &mut app.databases.verify.write().await.expect("a connection"),
            sqlx::query("update outbox set published_at = null")
        ).expect("to be published again");
        assert_eq!(noted(&app, 4).await, once);
        assert_eq!(dead_letters(&app).await, 0);
    }
}
