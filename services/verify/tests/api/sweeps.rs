//! What ended is deleted, however much it is: a sweep takes many batches.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures::StreamExt as _;
use futures::stream;
use tessera_common::random::Random;
use tessera_contracts::events::VerificationExhausted;
use tessera_contracts::ids::{AttemptId, BackupCodeSetId, UserId, VerificationId};
use tessera_contracts::verify::{
    BackupCodesIssue, Channel, CodeForm, FactorAnswer, Initiate, Message, MessageName, Purpose, Resend, Validate,
    Verdict, VerifyApi as _,
};
use tessera_storage::{affected, run};
use tessera_testkit::{TestApp, Value, json, on_every_database};
use uuid::Uuid;

use super::authenticator_app::by_app;
use super::carried::events;
use super::housekeeping::rows;
use super::support::{Tenant, as_auth, by_mail, other_than};

/// More than two batches.
const MANY: i64 = 401;

async fn swept(app: &TestApp, after: TimeDelta) {
    app.advance(after);
    app.platform.verify().sweep().await.expect("swept");
}

/// A code by mail for a sibling.
fn sign_in(app: &TestApp, destination: &str) -> Initiate {
    let random = Random::system();
    Initiate {
        id: VerificationId::new(app.clock.now(), &random),
        holder: "a row".to_owned(),
        channel: Channel::Email,
        purpose: Purpose::SignIn,
        subject: UserId::new(app.clock.now(), &random),
        destination: destination.to_owned(),
        message: Message { name: MessageName::SignInCode, values: BTreeMap::new() },
        code: CodeForm::Short { digits: 6 },
        lifetime_s: 600,
        browser_client: None,
    }
}

/// Takes back the end of every verification, with what was said of it: as a process leaves them that is killed when it has counted the last
/// answer and judged none.
async fn killed_before_the_end(app: &TestApp) {
    let mut conn = app.databases.verify.write().await.expect("a connection");
    let ended = affected!(&mut conn, sqlx::query("update verifications set state = 'live' where state = 'exhausted'"));
    assert_eq!(ended.expect("taken back"), 2);
    affected!(&mut conn, sqlx::query("delete from outbox")).expect("taken back");
}

async fn states(app: &TestApp) -> Vec<String> {
    let mut conn = app.databases.verify.read().await.expect("a connection");
    run!(&mut conn, |e| sqlx::query_scalar("select distinct state from verifications").fetch_all(e)).expect("rows")
}

fn many<T>(of: impl Fn(i64) -> T) -> Vec<T> {
    (0..MANY).map(of).collect()
}

/// Begins a verification, again if it is told to come back, as it may be on a busy machine: nothing was done then.
async fn begin(shop: Tenant<'_>, body: &Value) {
    for _ in 0..5 {
        let answer = shop.initiate(body).await;
        if answer.status != 503 {
            let _ = answer.expect(200);
            return;
        }
    }
    panic!("turned away five times");
}

/// Begins many verifications, few at once: more would be turned away, for waiting too long for each other's connections.
pub async fn begin_all(shop: Tenant<'_>, bodies: &[Value]) {
    stream::iter(bodies).for_each_concurrent(8, |body| begin(shop, body)).await;
}

on_every_database! {
    async fn messages_their_verifications_and_their_counts_go_however_many(app: TestApp) {
        let shop = Tenant::of(&app);
        begin_all(shop, &many(|n| by_mail(&format!("user{n}@example.org")))).await;
        for table in ["verifications", "deliveries", "counters", "codes"] {
            assert_eq!(rows(&app, table).await, MANY, "{table}");
        }
        swept(&app, TimeDelta::hours(1)).await;
        for (table, left) in [("counters", 0), ("codes", 0), ("verifications", MANY), ("deliveries", MANY)] {
            assert_eq!(rows(&app, table).await, left, "{table}");
        }
        swept(&app, TimeDelta::hours(24)).await;
        for table in ["verifications", "deliveries"] {
            assert_eq!(rows(&app, table).await, 0, "{table}");
        }
    }

    async fn secrets_that_nobody_confirmed_go_however_many(app: TestApp) {
        let shop = Tenant::of(&app);
        begin_all(shop.by("google_auth"), &many(|n| by_app(&format!("ada{n}")))).await;
        assert_eq!(rows(&app, "authenticators").await, MANY);
        swept(&app, TimeDelta::hours(25)).await;
        assert_eq!(rows(&app, "authenticators").await, 0);
    }

    async fn a_proved_verification_goes_a_day_after_its_deadline_and_not_before(app: TestApp) {
        let shop = Tenant::of(&app);
        let (id, code) = shop.started(&by_mail("ada@example.org")).await;
        let _ = shop.validate(&id, &json!({ "code": code })).await.expect(200);
        assert_eq!(rows(&app, "codes").await, 0);
        for (hours, left) in [(1, 1), (23, 1), (1, 0)] {
            swept(&app, TimeDelta::hours(hours)).await;
            assert_eq!((rows(&app, "verifications").await, rows(&app, "deliveries").await), (left, left));
        }
    }

    async fn whoever_is_killed_over_the_last_answer_has_its_verification_ended(app: TestApp) {
        let (shop, auth) = (Tenant::of(&app), as_auth(&app));
        let (id, code) = shop.started(&by_mail("ada@example.org")).await;
        let own = sign_in(&app, "eve@example.org");
        let _ = auth.initiate(own.clone()).await.expect("begun");
        for _ in 0..5 {
            let _ = shop.validate(&id, &json!({ "code": other_than(&code) })).await.expect(422);
            let wrong = Validate { id: own.id, holder: own.holder.clone(), code: "x".to_owned().into() };
            let _ = auth.validate(wrong).await.expect("judged");
        }
        killed_before_the_end(&app).await;
        let _ = shop.validate(&id, &json!({ "code": code })).await.expect(404);
        // So long it may be judged yet, and be right.
        swept(&app, TimeDelta::seconds(59)).await;
        assert_eq!((states(&app).await, events::<VerificationExhausted>(&app).await.len()), (vec!["live".to_owned()], 0));
        for _ in 0..2 {
            swept(&app, TimeDelta::seconds(1)).await;
            let told = events::<VerificationExhausted>(&app).await.into_iter();
            let mut told: Vec<_> = told.map(|event| event.verification.expect("the verification").verification_id).collect();
            told.sort();
            let mut ended = [id.clone(), own.id.to_string()];
            ended.sort();
            assert_eq!((states(&app).await, told), (vec!["exhausted".to_owned()], ended.to_vec()));
        }
    }

    async fn verifications_that_nobody_ended_are_ended_however_many(app: TestApp) {
        let shop = Tenant::of(&app);
        begin_all(shop, &many(|n| by_mail(&format!("user{n}@example.org")))).await;
        let left = "update verifications set attempts = 5, answers_used_up_at = issued_at";
        affected!(&mut app.databases.verify.write().await.expect("a connection"), sqlx::query(left)).expect("left");
        swept(&app, TimeDelta::minutes(1)).await;
        assert_eq!((states(&app).await, rows(&app, "codes").await), (vec!["exhausted".to_owned()], 0));
    }

    async fn answers_of_siblings_go_a_day_later_however_many(app: TestApp) {
        let (auth, random) = (as_auth(&app), Random::system());
        let user = UserId::new(app.clock.now(), &random);
        let set = BackupCodeSetId::new(app.clock.now(), &random);
        let _ = auth.backup_codes_issue(BackupCodesIssue { user, set }).await.expect("issued");
        // Twenty wrong ones are all that a user has in an hour.
        for _ in 0..11 {
            for _ in 0..20 {
                let attempt = AttemptId::new(app.clock.now(), &random);
                let used = auth.backup_codes_use(FactorAnswer { user, attempt, code: "wrong".to_owned().into() }).await;
                assert_eq!(used.expect("judged").verdict, Verdict::Wrong { attempts: 1, left: None });
            }
            app.advance(TimeDelta::hours(1));
        }
        assert_eq!(rows(&app, "answers").await, 220);
        swept(&app, TimeDelta::hours(12)).await;
        assert_eq!(rows(&app, "answers").await, 220);
        swept(&app, TimeDelta::hours(24)).await;
        assert_eq!(rows(&app, "answers").await, 0);
    }

    async fn what_siblings_asked_to_be_sent_again_goes_with_its_verification(app: TestApp) {
        let (auth, random) = (as_auth(&app), Random::system());
        let initiate = sign_in(&app, "ada@example.org");
        let id = initiate.id;
        let _ = auth.initiate(initiate).await.expect("begun");
        for _ in 0..220 {
            let op = Uuid::from_bytes(random.bytes());
            let _ = auth.resend(Resend { op, id, holder: "a row".to_owned() }).await.expect("answered");
        }
        assert_eq!(rows(&app, "resends").await, 220);
        swept(&app, TimeDelta::hours(24)).await;
        assert_eq!(rows(&app, "resends").await, 220);
        swept(&app, TimeDelta::minutes(10)).await;
        assert_eq!((rows(&app, "resends").await, rows(&app, "verifications").await), (0, 0));
    }
}
