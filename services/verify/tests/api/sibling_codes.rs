//! `VerifyApi`: codes that people type, by mail and by text message.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use futures::future::join_all;
use tessera_common::ids;
use tessera_common::random::Random;
use tessera_contracts::ids::{BrowserClientId, UserId, VerificationId};
use tessera_contracts::sibling::Sibling;
use tessera_contracts::verify::{
    Channel, CodeForm, Initiate, Initiated, Message, MessageName, Purpose, Resend, Resent, ServesSiblings as _,
    Validate, Verdict, VerifyApi as _,
};
use tessera_testkit::{Engine, TestApp, on_every_database};
use uuid::Uuid;

use super::support::{Tenant, as_auth, by_mail, mailed, mailed_after, mails, newest, text};

const ADA: &str = "ada@example.org";
const PHONE: &str = "+4915112345678";

fn new_user(app: &TestApp) -> UserId {
    UserId::new(app.clock.now(), &Random::system())
}

fn new_browser(app: &TestApp) -> Option<BrowserClientId> {
    Some(BrowserClientId::new(app.clock.now(), &Random::system()))
}

/// A code of six digits to sign in with.
fn sign_in(app: &TestApp, destination: &str) -> Initiate {
    let id = VerificationId::new(app.clock.now(), &Random::system());
    Initiate {
        id,
        holder: format!("sign_in:{id}"),
        channel: if destination.starts_with('+') { Channel::Sms } else { Channel::Email },
        purpose: Purpose::SignIn,
        subject: new_user(app),
        destination: destination.to_owned(),
        message: Message { name: MessageName::SignInCode, values: BTreeMap::new() },
        code: CodeForm::Short { digits: 6 },
        lifetime_s: 600,
        browser_client: None,
    }
}

fn verify_phone(app: &TestApp, number: &str) -> Initiate {
    let message = Message { name: MessageName::VerifyPhone, values: BTreeMap::new() };
    Initiate { purpose: Purpose::VerifyPhone, message, ..sign_in(app, number) }
}

async fn initiate(app: &TestApp, initiate: &Initiate) -> Initiated {
    as_auth(app).initiate(initiate.clone()).await.expect("answered")
}

async fn begin(app: &TestApp, given: &Initiate) {
    let expires_at = app.clock.now() + TimeDelta::seconds(given.lifetime_s);
    assert_eq!(initiate(app, given).await, Initiated::Live { expires_at });
}

async fn validate(app: &TestApp, initiate: &Initiate, code: &str) -> Verdict {
    let validate = Validate { id: initiate.id, holder: initiate.holder.clone(), code: code.to_owned().into() };
    as_auth(app).validate(validate).await.expect("judged")
}

/// The only number of six digits in a message.
fn code_in(message: &str) -> String {
    let words = message.split(|symbol: char| !symbol.is_ascii_digit());
    words.filter(|word| word.len() == 6).collect::<Vec<_>>().join(" and ")
}

/// The code of a verification that its recipient has no other of.
async fn code(app: &TestApp, initiate: &Initiate) -> String {
    code_in(&mailed(app, &initiate.destination).await)
}

fn again(op: Uuid, initiate: &Initiate) -> Resend {
    Resend { op, id: initiate.id, holder: initiate.holder.clone() }
}

fn new_op(app: &TestApp) -> Uuid {
    ids::new_v7(app.clock.now(), &Random::system())
}

async fn resend(app: &TestApp, op: Uuid, initiate: &Initiate) -> Resent {
    as_auth(app).resend(again(op, initiate)).await.expect("answered")
}

/// Begins `given` for four addresses of the same subject, and answers each wrongly until no more answers are taken.
async fn twenty_wrong(app: &TestApp, given: &Initiate) {
    for n in 0..4 {
        let mailed = sign_in(app, &format!("user{n}-{}@example.org", Uuid::from_bytes(Random::system().bytes())));
        let mailed =
            Initiate { purpose: given.purpose, subject: given.subject, browser_client: given.browser_client, ..mailed };
        begin(app, &mailed).await;
        for attempts in 1..=5 {
            assert_eq!(validate(app, &mailed, "x").await, Verdict::Wrong { attempts, left: Some(5 - attempts) });
        }
    }
}

/// What the right code is worth for the same subject, to a new address.
async fn right(app: &TestApp, given: &Initiate, purpose: Purpose, browser_client: Option<BrowserClientId>) -> Verdict {
    let address = format!("{}@example.org", Uuid::from_bytes(Random::system().bytes()));
    let mailed = Initiate { purpose, subject: given.subject, browser_client, ..sign_in(app, &address) };
    begin(app, &mailed).await;
    let code = code(app, &mailed).await;
    validate(app, &mailed, &code).await
}

/// Not compared: the subject had too many wrong answers.
const TOO_MANY: Verdict = Verdict::Wrong { attempts: 1, left: Some(0) };

on_every_database! {
    async fn a_code_by_mail_or_text_message_proves_once(app: TestApp) {
        let texts = "is your code to verify this number. Tell it to nobody.";
        for (given, said) in [
            (sign_in(&app, ADA), "<strong>"),
            (sign_in(&app, PHONE), "is your code to sign in. Tell it to nobody."),
            (verify_phone(&app, "+4915112345679"), texts),
        ] {
            begin(&app, &given).await;
            let message = mails(&app, &given.destination).await.remove(0);
            assert!(text(&message["body"]).contains(said), "{message}");
            let is_mail = given.channel == Channel::Email;
            assert_eq!(message["channel"], if is_mail { "email" } else { "sms" });
            assert_eq!(message["subject"].as_str(), is_mail.then_some("Your code to sign in"));
            let code = code(&app, &given).await;
            assert_eq!(validate(&app, &given, "x").await, Verdict::Wrong { attempts: 1, left: Some(4) });
            assert_eq!(validate(&app, &given, &code).await, Verdict::Proved);
            assert_eq!(validate(&app, &given, &code).await, Verdict::ProvedBefore);
        }
    }

    async fn an_id_is_one_verification_by_whichever_way(app: TestApp) {
        let texted = sign_in(&app, PHONE);
        begin(&app, &texted).await;
        let mailed = Initiate { channel: Channel::Email, destination: ADA.to_owned(), ..texted.clone() };
        begin(&app, &mailed).await;
        let other = Initiate { holder: "sign_in:another".to_owned(), ..mailed };
        assert!(as_auth(&app).initiate(other).await.is_err());
        assert_eq!(validate(&app, &texted, &code(&app, &texted).await).await, Verdict::Proved);
        assert_eq!(newest(&app, ADA).await, "");
    }

    async fn what_cannot_be_is_a_fault_of_the_caller(app: TestApp) {
        let by_mail = Initiate { channel: Channel::Email, destination: ADA.to_owned(), ..verify_phone(&app, PHONE) };
        let link = Message { name: MessageName::ResetPassword, ..sign_in(&app, PHONE).message };
        let by_text = Initiate { message: link, ..sign_in(&app, PHONE) };
        let to_nobody = Initiate { destination: "+49".to_owned(), ..sign_in(&app, PHONE) };
        let without_digits = Initiate { code: CodeForm::Short { digits: 0 }, ..sign_in(&app, PHONE) };
        let lives = |lifetime_s| Initiate { lifetime_s, ..sign_in(&app, PHONE) };
        let lives = [i64::MIN, -1, 0, 30 * 86_400 + 1, i64::MAX].map(lives);
        for fault in [by_mail, by_text, to_nobody, without_digits].into_iter().chain(lives) {
            let error = as_auth(&app).initiate(fault).await.expect_err("it cannot be");
            assert!(error.misuse().is_some(), "{error}");
        }
    }

    async fn a_number_gets_one_message_in_30_seconds_and_five_an_hour(app: TestApp) {
        for _ in 0..5 {
            begin(&app, &sign_in(&app, PHONE)).await;
            assert_eq!(initiate(&app, &sign_in(&app, PHONE)).await, Initiated::Limited { retry_after: 31 });
            app.advance(TimeDelta::seconds(30));
        }
        assert_eq!(initiate(&app, &sign_in(&app, PHONE)).await, Initiated::Limited { retry_after: 3600 - 150 + 1 });
        begin(&app, &sign_in(&app, "+4915112345679")).await;
    }

    async fn what_the_platform_sends_a_number_leaves_tenants_less_and_they_keep_nothing_from_it(app: TestApp) {
        let shop = Tenant::of(&app).by("phone");
        for _ in 0..2 {
            begin(&app, &sign_in(&app, PHONE)).await;
            app.advance(TimeDelta::seconds(30));
        }
        for _ in 0..8 {
            let _ = shop.initiate(&by_mail(PHONE)).await.expect(200);
        }
        let refused = shop.initiate(&by_mail(PHONE)).await.expect(429);
        assert_eq!((refused.header("retry-after"), refused.header("ratelimit-policy")), ("541", "\"default\";q=10;w=600"));
        begin(&app, &sign_in(&app, PHONE)).await;
        app.advance(TimeDelta::minutes(9));
        let _ = shop.initiate(&by_mail(PHONE)).await.expect(200);
    }

    async fn guesses_that_strangers_may_make_block_no_factor_and_nobody_elses_browser(app: TestApp) {
        let (browser, other) = (new_browser(&app), new_browser(&app));
        let of_strangers = sign_in(&app, ADA);
        twenty_wrong(&app, &of_strangers).await;
        assert_eq!(right(&app, &of_strangers, Purpose::SignIn, None).await, TOO_MANY);
        assert_eq!(right(&app, &of_strangers, Purpose::SecondFactor, None).await, Verdict::Proved);
        assert_eq!(right(&app, &of_strangers, Purpose::VerifyPhone, None).await, Verdict::Proved);
        assert_eq!(right(&app, &of_strangers, Purpose::SignIn, browser).await, Verdict::Proved);
        // Nor do those of one browser block another, or everybody else.
        let of_browser = Initiate { browser_client: browser, ..sign_in(&app, ADA) };
        twenty_wrong(&app, &of_browser).await;
        assert_eq!(right(&app, &of_browser, Purpose::SignIn, browser).await, TOO_MANY);
        for browser_client in [other, None] {
            assert_eq!(right(&app, &of_browser, Purpose::SignIn, browser_client).await, Verdict::Proved);
        }
        app.advance(TimeDelta::hours(1));
        assert_eq!(right(&app, &of_browser, Purpose::SignIn, browser).await, Verdict::Proved);
    }

    async fn a_factor_is_counted_for_its_user_whatever_the_browser(app: TestApp) {
        let guessed = Initiate { purpose: Purpose::SecondFactor, browser_client: new_browser(&app), ..sign_in(&app, ADA) };
        twenty_wrong(&app, &guessed).await;
        for browser_client in [new_browser(&app), None] {
            assert_eq!(right(&app, &guessed, Purpose::SecondFactor, browser_client).await, TOO_MANY);
        }
    }

    async fn the_same_message_comes_again_and_nothing_else_changes(app: TestApp) {
        for given in [sign_in(&app, ADA), sign_in(&app, PHONE)] {
            let expires_at = app.clock.now() + TimeDelta::minutes(10);
            begin(&app, &given).await;
            let first = mailed(&app, &given.destination).await;
            assert_eq!(validate(&app, &given, "x").await, Verdict::Wrong { attempts: 1, left: Some(4) });
            app.advance(TimeDelta::seconds(30));
            let before = newest(&app, &given.destination).await;
            assert_eq!(resend(&app, new_op(&app), &given).await, Resent::Queued { expires_at });
            assert_eq!(mailed_after(&app, &given.destination, &before).await, first);
            assert_eq!(validate(&app, &given, "x").await, Verdict::Wrong { attempts: 2, left: Some(3) });
            assert_eq!(validate(&app, &given, &code_in(&first)).await, Verdict::Proved);
        }
    }

    async fn a_request_to_send_again_is_carried_out_once(app: TestApp) {
        let given = sign_in(&app, ADA);
        let (expires_at, op) = (app.clock.now() + TimeDelta::minutes(10), new_op(&app));
        begin(&app, &given).await;
        let _ = mailed(&app, ADA).await;
        app.advance(TimeDelta::seconds(30));
        let outcomes = join_all((0..4).map(|_| resend(&app, op, &given))).await;
        assert_eq!(outcomes, [Resent::Queued { expires_at }; 4]);
        app.advance(TimeDelta::minutes(1));
        assert_eq!(resend(&app, op, &given).await, Resent::Queued { expires_at });
        app.platform.verify().deliver_due().await.expect("the queue can be read");
        let code = code_in(&text(&mails(&app, ADA).await[0]["body"]));
        assert_eq!(validate(&app, &given, &code).await, Verdict::Proved);
        // Nor does what became of it since matter.
        assert_eq!(resend(&app, op, &given).await, Resent::Queued { expires_at });
        assert_eq!(resend(&app, new_op(&app), &given).await, Resent::Unknown);
        assert_eq!(mails(&app, ADA).await.len(), 2);
        // An intent is for one verification.
        let other = sign_in(&app, "eve@example.org");
        begin(&app, &other).await;
        assert!(as_auth(&app).resend(again(op, &other)).await.is_err());
    }

    async fn what_is_sent_again_counts_against_its_recipient(app: TestApp) {
        let given = Initiate { lifetime_s: 7200, ..sign_in(&app, ADA) };
        let expires_at = app.clock.now() + TimeDelta::hours(2);
        begin(&app, &given).await;
        let refused = new_op(&app);
        assert_eq!(resend(&app, refused, &given).await, Resent::Limited { retry_after: 31 });
        for _ in 0..4 {
            app.advance(TimeDelta::seconds(30));
            assert_eq!(resend(&app, new_op(&app), &given).await, Resent::Queued { expires_at });
            assert_eq!(resend(&app, new_op(&app), &given).await, Resent::Limited { retry_after: 31 });
        }
        app.advance(TimeDelta::seconds(30));
        let fifth = Resent::Limited { retry_after: 3600 - 150 + 1 };
        assert_eq!(resend(&app, new_op(&app), &given).await, fifth);
        // What refuses has counted nothing: the same again, half an hour later.
        app.advance(TimeDelta::minutes(30));
        assert_eq!(resend(&app, new_op(&app), &given).await, Resent::Limited { retry_after: 1800 - 150 + 1 });
        app.advance(TimeDelta::minutes(30));
        assert_eq!(resend(&app, refused, &given).await, Resent::Limited { retry_after: 1 });
        assert_eq!(resend(&app, new_op(&app), &given).await, Resent::Queued { expires_at });
    }

    async fn only_a_siblings_own_live_code_is_sent_again(app: TestApp) {
        let given = sign_in(&app, ADA);
        begin(&app, &given).await;
        let link = Initiate { code: CodeForm::Long, ..sign_in(&app, "eve@example.org") };
        begin(&app, &link).await;
        let exhausted = sign_in(&app, "joe@example.org");
        begin(&app, &exhausted).await;
        for _ in 0..5 {
            let _ = validate(&app, &exhausted, "x").await;
        }
        app.advance(TimeDelta::seconds(30));
        let other_holder = Initiate { holder: "sign_in:another".to_owned(), ..given.clone() };
        for unknown in [&sign_in(&app, ADA), &link, &exhausted, &other_holder] {
            assert_eq!(resend(&app, new_op(&app), unknown).await, Resent::Unknown);
        }
        let sessions = app.platform.verify().for_sibling(Sibling::Sessions);
        assert_eq!(sessions.resend(again(new_op(&app), &given)).await.expect("answered"), Resent::Unknown);
        app.advance(TimeDelta::minutes(10));
        assert_eq!(resend(&app, new_op(&app), &given).await, Resent::Unknown);
        assert_eq!(mails(&app, ADA).await.len(), 1);
    }
}

/// A platform that sends few text messages, and to German numbers only.
async fn small(engine: Engine) -> TestApp {
    let allowed = ("TESSERA_VERIFY_SMS_ALLOWED_PREFIXES", "[\"+49\"]");
    let (an_hour, a_day) = (("TESSERA_VERIFY_SMS_PREFIX_BUDGET", "2"), ("TESSERA_VERIFY_SMS_TENANT_BUDGET", "3"));
    TestApp::start_with(engine, &[allowed, an_hour, a_day]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_platforms_text_messages_have_regions_and_budgets_like_those_of_others() {
    let app = small(Engine::Sqlite).await;
    assert_eq!(initiate(&app, &sign_in(&app, "+12025550123")).await, Initiated::OutOfReach);
    let number = |n: usize| format!("+4915112345{n:03}");
    for n in 0..2 {
        begin(&app, &sign_in(&app, &number(n))).await;
    }
    assert_eq!(initiate(&app, &sign_in(&app, &number(2))).await, Initiated::Limited { retry_after: 3601 });
    app.advance(TimeDelta::hours(1));
    begin(&app, &sign_in(&app, &number(2))).await;
    assert_eq!(initiate(&app, &sign_in(&app, &number(3))).await, Initiated::Limited { retry_after: 82_801 });
    begin(&app, &sign_in(&app, ADA)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_waits_to_be_sent_again_lies_sealed() {
    let app = TestApp::start(Engine::Sqlite).await;
    let given = sign_in(&app, ADA);
    begin(&app, &given).await;
    let code = code(&app, &given).await;
    let sealed = async || {
        let mut conn = app.databases.verify.read().await.expect("a connection");
        let sealed: Vec<Option<Vec<u8>>> =
            tessera_storage::run!(&mut conn, |e| sqlx::query_scalar("select sealed_code from verifications")
                .fetch_all(e))
            .expect("rows");
        sealed
    };
    let kept = sealed().await.remove(0).expect("sealed");
    assert!(!kept.windows(6).any(|part| part == code.as_bytes()) && !kept.windows(4).any(|part| part == b"code"));
    assert_eq!(validate(&app, &given, &code).await, Verdict::Proved);
    assert_eq!(sealed().await, [None]);
}
