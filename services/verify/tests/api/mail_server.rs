//! The mail server: who we say we are, what is encrypted, how many connections it takes, and how long it may take.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tessera_testkit::{Engine, MailBehaviour, MailServer, TestApp, TlsFiles, json};

use super::providers::{deliveries, tried, until, with_mail_server};
use super::support::{Tenant, by_mail, with};

const ADA: &str = "ada@example.org";

/// The settings of a mail server, with `user` before its address and `query` behind, and of the authority it is trusted by.
async fn with_settings(server: &MailServer, user: &str, query: &str, authority: &str) -> TestApp {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("authorities.pem");
    std::fs::write(&file, authority).expect("written");
    let port = server.url.rsplit(':').next().expect("a port");
    let url = format!("smtp://{user}localhost:{port}{query}");
    let authorities = file.to_str().expect("a path");
    let settings = [("TESSERA_VERIFY_SMTP_URL", &*url), ("TESSERA_TLS_AUTHORITIES", authorities)];
    TestApp::start_with(Engine::Sqlite, &settings).await
}

async fn begin(app: &TestApp, consumer: &str) {
    let body = with(by_mail(consumer), "policy.expiredOn", json!("30.00:00:00"));
    let _ = Tenant::of(app).initiate(&body).await.expect(200);
}

async fn is_sent(app: &TestApp) {
    until(app, async || deliveries(app).await.iter().all(|stands| stands.state == "sent")).await;
}

/// What a mail server was told that does not name a recipient.
fn told(server: &MailServer) -> Vec<String> {
    let heard = server.heard().into_iter().map(|heard| heard.line);
    heard.filter(|line| !line.starts_with("EHLO") && !line.starts_with("MAIL") && !line.starts_with("RCPT")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_server_is_told_who_we_are_in_the_way_it_knows() {
    let (name, password) = (STANDARD.encode("us@er"), STANDARD.encode("pass/word"));
    let plain = format!("AUTH PLAIN {}", STANDARD.encode("\0us@er\0pass/word"));
    let login = vec!["AUTH LOGIN".to_owned(), name, password];
    for (extensions, expected) in
        [(&["AUTH PLAIN LOGIN"], vec![plain.clone()]), (&["AUTH PLAIN"], vec![plain]), (&["AUTH LOGIN"], login)]
    {
        let server = MailServer::offering(MailBehaviour::Takes, extensions, None).await;
        let app = with_settings(&server, "us%40er:pass%2Fword@", "", &TlsFiles::make().authority).await;
        begin(&app, ADA).await;
        is_sent(&app).await;
        assert_eq!(server.mails().len(), 1);
        assert_eq!(told(&server), [expected, vec!["DATA".to_owned()]].concat(), "{extensions:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_waits_while_the_mail_server_does_not_let_us_in() {
    let refusing = MailBehaviour::Says("AUTH", "535 not you, pass/word");
    for (extensions, behaviour, error) in [
        (&["AUTH PLAIN"], refusing, "the mail server answers 535"),
        // Without a way that we know to say who we are.
        (&["AUTH CRAM-MD5"], MailBehaviour::Takes, "the mail server cannot be spoken with"),
    ] {
        let server = MailServer::offering(behaviour, extensions, None).await;
        let app = with_settings(&server, "user:pass%2Fword@", "", &TlsFiles::make().authority).await;
        begin(&app, ADA).await;
        let stands = tried(&app, 2).await;
        assert_eq!((stands.state.as_str(), stands.last_error.as_deref()), ("queued", Some(error)));
        assert!(server.heard().iter().all(|heard| !heard.line.starts_with("MAIL")));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_we_are_and_the_mail_are_told_to_nobody_before_the_connection_is_encrypted() {
    let certificate = TlsFiles::make();
    for query in ["?tls=required", "?tls=opportunistic"] {
        let server = MailServer::offering(MailBehaviour::Takes, &["AUTH PLAIN"], Some(&certificate)).await;
        let app = with_settings(&server, "user:password@", query, &certificate.authority).await;
        begin(&app, ADA).await;
        is_sent(&app).await;
        assert_eq!(server.mails().len(), 1);
        let heard = server.heard();
        let plain: Vec<&str> = heard.iter().filter(|heard| !heard.encrypted).map(|heard| heard.line.as_str()).collect();
        assert!(matches!(&plain[..], [hello, "STARTTLS"] if hello.starts_with("EHLO")), "{plain:?}");
        for encrypted in ["EHLO", "AUTH PLAIN", "MAIL", "RCPT", "DATA"] {
            assert!(heard.iter().any(|heard| heard.encrypted && heard.line.starts_with(encrypted)), "{encrypted}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_server_that_does_not_encrypt_as_demanded_or_is_not_trusted_gets_no_mail() {
    let (ours, other) = (TlsFiles::make(), TlsFiles::make());
    for (certificate, authority, error) in [
        (None, &ours, "the mail server cannot be spoken with"),
        (Some(&ours), &other, "the mail server cannot be spoken with"),
    ] {
        let server = MailServer::offering(MailBehaviour::Takes, &["AUTH PLAIN"], certificate).await;
        let app = with_settings(&server, "user:password@", "?tls=required", &authority.authority).await;
        begin(&app, ADA).await;
        let stands = tried(&app, 2).await;
        assert_eq!((stands.state.as_str(), stands.last_error.as_deref()), ("queued", Some(error)));
        for said in ["AUTH", "MAIL", "RCPT"] {
            assert!(server.heard().iter().all(|heard| !heard.line.starts_with(said)), "{said}");
        }
        assert_eq!(server.mails().len(), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_there_takes_the_next_mail_and_one_that_is_gone_is_not_missed() {
    let server = MailServer::start(MailBehaviour::Takes).await;
    let app = with_mail_server(Engine::Sqlite, &server).await;
    for n in 0..3 {
        begin(&app, &format!("user{n}@example.org")).await;
        is_sent(&app).await;
    }
    assert_eq!((server.mails().len(), server.connections().await), (3, 1));
    // It goes away when it has a mail, and the connection with it.
    server.now(MailBehaviour::CutsAfterTheMail);
    begin(&app, ADA).await;
    until(&app, async || server.mails().len() == 4).await;
    server.now(MailBehaviour::Takes);
    is_sent(&app).await;
    assert_eq!(server.connections().await, 2);
}

async fn a_slow_mail_server(engine: Engine) {
    let server = MailServer::start(MailBehaviour::Slow).await;
    // Less than the server needs to greet, and more than it needs on a busy machine for a mail: one that it took too late would come twice.
    let settings = [("TESSERA_VERIFY_SMTP_URL", &*server.url), ("TESSERA_VERIFY_PROVIDER_TIMEOUT_MS", "2000")];
    let app = TestApp::start_with(engine, &settings).await;
    let began = tokio::time::Instant::now();
    for n in 0..20 {
        begin(&app, &format!("user{n}@example.org")).await;
    }
    // Text messages go another way, and are not held up.
    let texts = Tenant::of(&app).by("phone");
    let (id, code) = texts.started(&by_mail("+4915112345678")).await;
    let _ = texts.validate(&id, &json!({ "code": code })).await.expect(200);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());

    let waits = async || deliveries(&app).await.into_iter().filter(|stands| stands.state == "queued");
    until(&app, async || waits().await.any(|stands| stands.tries > 1)).await;
    assert!(
        waits().await.filter_map(|stands| stands.last_error).any(|error| error == "the mail server does not answer")
    );
    assert_eq!(server.mails().len(), 0);
    server.now(MailBehaviour::Takes);
    is_sent(&app).await;
    assert_eq!(server.mails().len(), 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_server_that_takes_30_seconds_to_greet_holds_up_nobody_and_is_tried_again_on_sqlite() {
    a_slow_mail_server(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_server_that_takes_30_seconds_to_greet_holds_up_nobody_and_is_tried_again_on_postgres() {
    if Engine::postgres_is_wanted() {
        a_slow_mail_server(Engine::Postgres).await;
    }
}
