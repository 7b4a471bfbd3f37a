//! A platform whose messages go to providers that do what a test tells them, and what becomes of the messages.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use tessera_storage::run;
use tessera_testkit::{Engine, MailServer, TestApp};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// The answer of a provider that takes a message.
pub const TAKEN: Option<(u16, &str)> = Some((201, r#"{"sid":"SM1","status":"queued","error_code":null}"#));

/// A request to the provider of text messages.
#[derive(Clone, Debug)]
pub struct Texted {
    pub head: String,
    pub form: String,
}

/// A provider of text messages, that gives the same answer to each request until it is told another.
#[derive(Clone)]
pub struct SmsProvider {
    pub url: String,
    answer: Arc<watch::Sender<Option<(u16, &'static str)>>>,
    is_silent: Arc<watch::Sender<bool>>,
    texted: Arc<watch::Sender<Vec<Texted>>>,
}

impl SmsProvider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let provider = Self { url, answer: Arc::default(), is_silent: Arc::default(), texted: Arc::default() };
        let accepting = provider.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let provider = accepting.clone();
                tokio::spawn(async move { provider.talk(stream).await });
            }
        });
        provider
    }

    /// Gives this answer from now on; `None` goes away without one.
    pub fn now(&self, answer: Option<(u16, &'static str)>) {
        self.answer.send_replace(answer);
    }

    /// Gives no answer from now on, and does not go away either; or no longer.
    pub fn is_silent(&self, is_silent: bool) {
        self.is_silent.send_replace(is_silent);
    }

    pub fn texted(&self) -> Vec<Texted> {
        self.texted.borrow().clone()
    }

    async fn talk(&self, mut stream: TcpStream) -> Option<()> {
        let mut read = Vec::new();
        let head = loop {
            if let Some(end) = read.windows(4).position(|part| part == b"\r\n\r\n") {
                break String::from_utf8(read.drain(..end + 4).collect()).ok()?;
            }
            if stream.read_buf(&mut read).await.ok()? == 0 {
                return None;
            }
        };
        let told =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ").map(str::to_owned));
        let length: usize = told?.parse().ok()?;
        while read.len() < length {
            stream.read_buf(&mut read).await.ok()?;
        }
        let form = String::from_utf8(read).ok()?;
        self.texted.send_modify(|texted| texted.push(Texted { head, form }));
        let _ = self.is_silent.subscribe().wait_for(|is_silent| !is_silent).await.ok()?;
        let (status, body) = (*self.answer.borrow())?;
        let answer =
            format!("HTTP/1.1 {status} Said\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).await.ok()
    }
}

pub async fn with_mail_server(engine: Engine, server: &MailServer) -> TestApp {
    TestApp::start_with(engine, &[("TESSERA_VERIFY_SMTP_URL", &server.url)]).await
}

pub async fn with_sms_provider(provider: &SmsProvider) -> TestApp {
    with_sms_provider_as(provider, &[("TESSERA_VERIFY_SMS_FROM", "+4930123456")]).await
}

/// The same, with settings that say who sends.
pub async fn with_sms_provider_as(provider: &SmsProvider, settings: &[(&str, &str)]) -> TestApp {
    let account = [
        ("TESSERA_VERIFY_SMS_BASE_URL", provider.url.as_str()),
        ("TESSERA_VERIFY_SMS_ACCOUNT", "AC1"),
        ("TESSERA_VERIFY_SMS_TOKEN", "a token"),
    ];
    TestApp::start_with(Engine::Sqlite, &[&account, settings].concat()).await
}

/// A delivery as it stands.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Stands {
    pub state: String,
    pub tries: i64,
    pub last_error: Option<String>,
}

pub async fn deliveries(app: &TestApp) -> Vec<Stands> {
    let mut conn = app.databases.verify.read().await.expect("a connection");
    let text = "select state, tries, last_error from deliveries order by queued_at, id";
    run!(&mut conn, |e| sqlx::query_as(text).fetch_all(e)).expect("rows")
}

/// Whether a message is with its provider: then time stands still, or it would be taken for abandoned.
async fn is_under_way(app: &TestApp) -> bool {
    let tried = deliveries(app).await.into_iter().filter(|stands| stands.tries > 0 && stands.state == "queued");
    tried.filter(|stands| stands.last_error.is_none()).count() > 0
}

/// Moves the time on until something is so, and has what is due sent meanwhile.
pub async fn until(app: &TestApp, is_so: impl AsyncFn() -> bool) {
    let moving = async {
        while !is_so().await {
            if !is_under_way(app).await {
                app.advance(TimeDelta::seconds(1));
            }
            app.platform.verify().deliver_due().await.expect("the queue can be read");
        }
    };
    tokio::time::timeout(Duration::from_secs(30), moving).await.expect("it comes to be so");
}

/// Lets the only delivery be tried, and answers how it stands then.
pub async fn tried(app: &TestApp, tries: i64) -> Stands {
    let is_tried = |stands: &Stands| stands.tries >= tries && stands.last_error.is_some() || stands.state == "sent";
    until(app, async || deliveries(app).await.iter().all(is_tried)).await;
    deliveries(app).await.remove(0)
}
