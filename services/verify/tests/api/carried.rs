//! Messages and the providers that carry them: what each answer, and each silence, does to a message.

use std::time::Duration;

use chrono::TimeDelta;
use tessera_contracts::events::{DeliveryFailed, VerificationExhausted};
use tessera_messaging::{Envelope, Event};
use tessera_storage::run;
use tessera_testkit::{Engine, MailBehaviour, MailServer, TestApp, Value, json};

use super::providers::{SmsProvider, Stands, deliveries, tried, until, with_mail_server, with_sms_provider};
use super::support::{Tenant, by_mail, other_than, text, with};

const ADA: &str = "ada@example.org";
const PHONE: &str = "+4915112345678";

pub async fn events<E: Event>(app: &TestApp) -> Vec<E> {
    let mut conn = app.databases.verify.read().await.expect("a connection");
    let text =
        "select id, source, event_type, aggregate, version, happened_at, trace, body from outbox where event_type = $1";
    let envelopes: Vec<Envelope> = run!(&mut conn, |e| sqlx::query_as(text).bind(E::TYPE).fetch_all(e)).expect("rows");
    envelopes.iter().map(|envelope| envelope.decode().expect("an event")).collect()
}

async fn undeliverable(app: &TestApp) -> Vec<(String, String)> {
    let mut conn = app.databases.verify.read().await.expect("a connection");
    run!(&mut conn, |e| sqlx::query_as("select recipient, reason from undeliverable").fetch_all(e)).expect("rows")
}

/// A request whose code lives so long that no test outlasts it.
fn long_lived(consumer: &str) -> Value {
    with(by_mail(consumer), "policy.expiredOn", json!("30.00:00:00"))
}

/// The mails to somebody: their last lines, which are the code.
fn codes_for(server: &MailServer, consumer: &str) -> Vec<String> {
    let to = format!("To: {consumer}\n");
    let mails = server.mails().into_iter().filter(|mail| mail.contains(&to));
    mails.filter_map(|mail| mail.trim_end().lines().last().map(str::to_owned)).collect()
}

async fn a_silent_mail_server(engine: Engine) {
    let server = MailServer::start(MailBehaviour::Silent).await;
    let app = with_mail_server(engine, &server).await;
    let shop = Tenant::of(&app);
    let consumer = |n: usize| format!("user{n}@example.org");
    let began = tokio::time::Instant::now();
    let mut ids = Vec::new();
    for n in 0..24 {
        ids.push(text(&shop.initiate(&long_lived(&consumer(n))).await.expect(200).json()["verificationId"]));
    }
    // One wait for the mail server would be longer than all of this.
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    // Text messages go another way, and are not held up.
    let texts = shop.by("phone");
    let (id, code) = texts.started(&by_mail(PHONE)).await;
    let _ = texts.validate(&id, &json!({ "code": code })).await.expect(200);
    assert!(server.connections().await <= 16);
    assert_eq!(server.mails().len(), 0);

    let _ = shop.delete(&ids[0]).await.expect(200);
    let replaced = with(long_lived(&consumer(1)), "policy.forcedVerificationId", json!(ids[1]));
    let _ = shop.initiate(&with(replaced, "policy.forcedCode", json!("the newer one"))).await.expect(200);
    server.now(MailBehaviour::Takes);
    until(&app, async || server.mails().len() >= 23).await;
    until(&app, async || deliveries(&app).await.iter().all(|stands| stands.state != "queued")).await;
    assert_eq!(server.mails().len(), 23);
    assert_eq!(codes_for(&server, &consumer(0)), Vec::<String>::new());
    assert_eq!(codes_for(&server, &consumer(1)), ["the newer one"]);
    for (n, id) in ids.iter().enumerate().skip(1) {
        let codes = codes_for(&server, &consumer(n));
        assert_eq!(codes.len(), 1, "{codes:?}");
        let _ = shop.validate(id, &json!({ "code": codes[0] })).await.expect(200);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_mail_server_holds_up_nobody_and_gets_every_live_code_once_on_sqlite() {
    a_silent_mail_server(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_mail_server_holds_up_nobody_and_gets_every_live_code_once_on_postgres() {
    if Engine::postgres_is_wanted() {
        a_silent_mail_server(Engine::Postgres).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_that_was_not_acknowledged_is_repeated_once_and_says_the_same() {
    let server = MailServer::start(MailBehaviour::CutsAfterTheMail).await;
    let app = with_mail_server(Engine::Sqlite, &server).await;
    let _ = Tenant::of(&app).initiate(&long_lived(ADA)).await.expect(200);
    until(&app, async || deliveries(&app).await[0].state != "queued").await;
    let stands = deliveries(&app).await.remove(0);
    assert_eq!((stands.state.as_str(), stands.tries), ("failed", 2));
    let id = |mail: &String| mail.lines().find(|line| line.starts_with("Message-ID: ")).map(str::to_owned);
    let mails = server.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(id(&mails[0]), id(&mails[1]));
    assert_eq!(codes_for(&server, ADA)[0], codes_for(&server, ADA)[1]);
    assert_eq!(events::<DeliveryFailed>(&app).await.len(), 1);
    // Nobody has refused the address.
    assert_eq!(undeliverable(&app).await, []);
}

async fn a_recipient_that_is_refused_for_good(engine: Engine) {
    let server = MailServer::start(MailBehaviour::Says("RCPT", "550 <ada@example.org> is unknown here")).await;
    let app = with_mail_server(engine, &server).await;
    let shop = Tenant::of(&app);
    let id = text(&shop.initiate(&long_lived("Ada@example.org")).await.expect(200).json()["verificationId"]);
    let stands = tried(&app, 1).await;
    let reason = "the mail server answers 550 to the recipient".to_owned();
    assert_eq!(stands, Stands { state: "failed".to_owned(), tries: 1, last_error: Some(reason.clone()) });
    assert_eq!(undeliverable(&app).await, [(ADA.to_owned(), reason.clone())]);
    let events: Vec<DeliveryFailed> = events(&app).await;
    let delivery = events[0].delivery.clone().expect("the delivery");
    let verification = delivery.verification.expect("its verification");
    assert_eq!((events.len(), events[0].version), (1, 1));
    assert_eq!(
        (delivery.recipient.as_str(), delivery.reason, delivery.channel.as_str()),
        ("A***@example.org", reason, "email")
    );
    assert_eq!(
        (verification.tenant.as_str(), verification.verification_id, verification.user_id),
        ("client:shop", id, None)
    );
    // A mark is no lock: a message that is taken removes it.
    server.now(MailBehaviour::Takes);
    let _ = shop.initiate(&long_lived(ADA)).await.expect(200);
    until(&app, async || undeliverable(&app).await.is_empty()).await;
    assert_eq!(server.mails().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recipient_that_is_refused_for_good_is_not_tried_again_and_is_marked_on_sqlite() {
    a_recipient_that_is_refused_for_good(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recipient_that_is_refused_for_good_is_not_tried_again_and_is_marked_on_postgres() {
    if Engine::postgres_is_wanted() {
        a_recipient_that_is_refused_for_good(Engine::Postgres).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_mail_server_puts_off_is_repeated_until_it_is_taken_or_worth_nothing() {
    for (to, answer) in
        [("RCPT", "451 come back later"), (".", "452 no room"), ("MAIL", "421 closing"), ("EHLO", "554 not you")]
    {
        let server = MailServer::start(MailBehaviour::Says(to, answer)).await;
        let app = with_mail_server(Engine::Sqlite, &server).await;
        let shop = Tenant::of(&app);
        let _ = shop.initiate(&long_lived(ADA)).await.expect(200);
        assert_eq!(tried(&app, 2).await.state, "queued", "{to} {answer}");
        let _ =
            shop.initiate(&with(by_mail("late@example.org"), "policy.expiredOn", json!("00:01:00"))).await.expect(200);
        assert_eq!(tried(&app, 1).await.state, "queued");
        app.advance(TimeDelta::minutes(1));
        server.now(MailBehaviour::Takes);
        until(&app, async || deliveries(&app).await.iter().all(|stands| stands.state != "queued")).await;
        let states: Vec<String> = deliveries(&app).await.into_iter().map(|stands| stands.state).collect();
        assert_eq!(states, ["sent", "expired"], "{to} {answer}");
        // What is refused at its end was seen whole.
        let seen = codes_for(&server, "late@example.org").len();
        assert_eq!(seen > 0, to == ".", "{to} {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_line_of_a_body_ends_the_mail_before_its_end() {
    let server = MailServer::start(MailBehaviour::Takes).await;
    let app = with_mail_server(Engine::Sqlite, &server).await;
    let hostile = "a\n.\nb\r\n.\r\nMAIL FROM:<eve@example.org>\r\n..\rc\r.\r\n{{{CODE}}}";
    let body = with(by_mail(ADA), "template.body", json!(hostile));
    // A code is as much the tenant's as the text around it.
    let _ = Tenant::of(&app).initiate(&with(body, "policy.forcedCode", json!("d\r.\r\ne"))).await.expect(200);
    until(&app, async || deliveries(&app).await[0].state == "sent").await;
    assert_eq!(server.mails().len(), 1);
    let mail = server.mails().remove(0);
    assert!(mail.contains("MAIL FROM:<eve@example.org>"), "{mail}");
    // The server has taken the line ends away, CRLF alone: what is left of a carriage return stood alone.
    assert!(!mail.contains('\r') && mail.lines().all(|line| line != "."), "{mail:?}");
    assert!(mail.trim_end().ends_with("\n...\nc\n..\nd\n..\ne"), "{mail:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_message_is_handed_over_in_the_providers_form() {
    let provider = SmsProvider::start().await;
    provider.now(Some((201, r#"{"sid":"SM1","status":"queued","error_code":null}"#)));
    let app = with_sms_provider(&provider).await;
    let body = with(by_mail(PHONE), "template.body", json!("Köln: {{{CODE}}} & more"));
    let _ = Tenant::of(&app).by("phone").initiate(&with(body, "policy.forcedCode", json!("0042"))).await.expect(200);
    until(&app, async || deliveries(&app).await[0].state == "sent").await;
    let texted = provider.texted();
    assert_eq!(texted.len(), 1);
    assert!(
        texted[0].head.starts_with("POST /2010-04-01/Accounts/AC1/Messages.json HTTP/1.1\r\n"),
        "{}",
        texted[0].head
    );
    assert!(texted[0].head.to_lowercase().contains("\r\ncontent-type: application/x-www-form-urlencoded\r\n"));
    // AC1:a token
    assert!(texted[0].head.contains("Basic QUMxOmEgdG9rZW4="), "{}", texted[0].head);
    assert_eq!(texted[0].form, "To=%2B4915112345678&From=%2B4930123456&Body=K%C3%B6ln%3A+0042+%26+more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_provider_of_text_messages_answers_decides_whether_it_is_repeated() {
    let good = Some((201, r#"{"sid":"SM1","status":"queued","error_code":null}"#));
    for (answer, state, tries) in [
        (Some((400, r#"{"code":21211,"message":"not a number: +4915112345678"}"#)), "failed", 1),
        (Some((201, r#"{"sid":"SM1","status":"failed","error_code":30003}"#)), "failed", 1),
        (Some((200, r#"{"sid":"SM1","status":"undelivered"}"#)), "failed", 1),
        (Some((429, "")), "sent", 2),
        (Some((500, "{}")), "sent", 2),
        (Some((503, "")), "sent", 2),
        (Some((401, "{}")), "sent", 2),
        (Some((200, r#"{"code":20003,"message":"an error body"}"#)), "sent", 2),
        (Some((201, r#"{"sid":"SM1","error_code":30001}"#)), "sent", 2),
        (Some((201, "not JSON")), "sent", 2),
        (None, "sent", 2),
    ] {
        let provider = SmsProvider::start().await;
        provider.now(answer);
        let app = with_sms_provider(&provider).await;
        let answered = Tenant::of(&app).by("phone").initiate(&long_lived(PHONE)).await;
        let _ = answered.expect(200);
        let stands = tried(&app, 1).await;
        assert!(!stands.last_error.expect("a reason").contains(PHONE));
        provider.now(good);
        until(&app, async || deliveries(&app).await[0].state != "queued").await;
        let stands = deliveries(&app).await.remove(0);
        assert!(stands.state == state && stands.tries >= tries, "{answer:?} {stands:?}");
        let texted = provider.texted();
        assert!(texted.iter().all(|each| each.form == texted[0].form), "{texted:?}");
        assert_eq!(events::<DeliveryFailed>(&app).await.len(), usize::from(state == "failed"));
        assert_eq!(undeliverable(&app).await.len(), usize::from(state == "failed"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_message_whose_answer_is_lost_twice_is_given_up() {
    let provider = SmsProvider::start().await;
    let app = with_sms_provider(&provider).await;
    let _ = Tenant::of(&app).by("phone").initiate(&long_lived(PHONE)).await.expect(200);
    until(&app, async || deliveries(&app).await[0].state == "failed").await;
    let texted = provider.texted();
    assert_eq!((texted.len(), &texted[0].form), (2, &texted[1].form));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_fails_is_asked_again_with_one_message_for_all() {
    let provider = SmsProvider::start().await;
    provider.now(Some((503, "")));
    let app = with_sms_provider(&provider).await;
    for n in 0..12 {
        let body = long_lived(&format!("+4915112345{n:03}"));
        let _ = Tenant::of(&app).by("phone").initiate(&body).await.expect(200);
    }
    until(&app, async || deliveries(&app).await.iter().all(|stands| stands.last_error.is_some())).await;
    let asked = provider.texted().len();
    app.advance(TimeDelta::minutes(1));
    app.platform.verify().deliver_due().await.expect("the queue can be read");
    assert!((1..=2).contains(&(provider.texted().len() - asked)), "the worker may have been at it, too");
    provider.now(Some((201, r#"{"sid":"SM1","status":"queued","error_code":null}"#)));
    until(&app, async || deliveries(&app).await.iter().all(|stands| stands.state == "sent")).await;
}

async fn an_exhausted_verification(engine: Engine) {
    let app = TestApp::start(engine).await;
    let shop = Tenant::of(&app);
    let (id, code) = shop.started(&by_mail(ADA)).await;
    for n in 0..5 {
        assert_eq!(events::<VerificationExhausted>(&app).await.len(), 0, "{n}");
        let _ = shop.validate(&id, &json!({ "code": other_than(&code) })).await.expect(422);
    }
    let _ = shop.validate(&id, &json!({ "code": code })).await.expect(404);
    let events: Vec<VerificationExhausted> = events(&app).await;
    let verification = events[0].verification.clone().expect("the verification");
    assert_eq!((events.len(), verification.tenant.as_str(), &verification.verification_id), (1, "client:shop", &id));
    assert_eq!((verification.method.as_str(), verification.user_id), ("email", None));
    let mut conn = app.databases.verify.read().await.expect("a connection");
    let left = "select count(sealed_code) from verifications";
    let sealed: i64 = run!(&mut conn, |e| sqlx::query_scalar(left).fetch_one(e)).expect("a count");
    assert_eq!(sealed, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_hear_of_a_verification_that_was_exhausted_on_sqlite() {
    an_exhausted_verification(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_hear_of_a_verification_that_was_exhausted_on_postgres() {
    if Engine::postgres_is_wanted() {
        an_exhausted_verification(Engine::Postgres).await;
    }
}
