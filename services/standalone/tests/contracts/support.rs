//! A key for each service, listeners that answer siblings, and a stub that answers what it is told to.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use actix_web::web;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use tessera_common::clock::{Clock, Timestamp};
use tessera_common::random::Random;
use tessera_common::server::{EdgeSettings, Endpoints, Listener, Origin, Serving, listen};
use tessera_contracts::http::{Clients, Peer};
use tessera_tokens::service_key::{ServiceKey, ServiceKeys};
use tessera_tokens::service_token::ServiceTokens;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

/// The services of a platform that calls over HTTP: their keys, and the time.
pub struct Services {
    keys: [Arc<ServiceKey>; 4],
    clock: Clock,
}

impl Services {
    pub fn new(clock: &Clock) -> Self {
        let made = ["auth", "sessions", "verify", "oauth"].map(|service| {
            let secret = ServiceKey::generate(service).expect("a key");
            Arc::new(ServiceKey::parse(service, &secret).expect("a key"))
        });
        Self { keys: made, clock: clock.clone() }
    }

    pub fn key(&self, service: &str) -> Arc<ServiceKey> {
        self.keys.iter().find(|key| key.service() == service).expect("one of the four").clone()
    }

    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What `service` checks its callers with.
    pub fn tokens(&self, service: &str) -> ServiceTokens {
        let public: Vec<_> = self.keys.iter().map(|key| key.public()).collect();
        let trusted = ServiceKeys::parse(&json!({ "keys": public }).to_string()).expect("a set");
        ServiceTokens::new(trusted, service, self.clock.clone())
    }

    /// `caller`'s way to what listens at `base`.
    pub fn peer(&self, caller: &str, base: &Url) -> Peer {
        let clients = Clients::new(None).expect("clients");
        Peer::new(clients, base.clone(), self.key(caller), self.clock.clone(), Random::system())
    }

    /// The internal listener of `service`, which answers with `api`.
    pub fn listen<A: Clone + Send + 'static>(&self, service: &str, endpoints: Endpoints, api: A) -> Internal {
        let tokens = web::Data::new(self.tokens(service));
        let state = move |config: &mut web::ServiceConfig| {
            config.app_data(tokens.clone());
            config.app_data(web::Data::new(api.clone()));
        };
        let socket = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let base = base(&socket);
        let edge = EdgeSettings {
            origin: Origin::try_from(base.origin().ascii_serialization()).expect("an origin"),
            allowed_origins: Vec::new(),
            allow_loopback_origins: false,
            trusted_proxies: Vec::new(),
            callers_are_ours: true,
        };
        let listener = Listener { sockets: vec![socket], endpoints, workers: 1, tls: None };
        let serving = listen(listener, edge, self.clock.clone(), Random::system(), state).expect("listening");
        Internal { base, _serving: serving }
    }
}

/// An internal listener, until it is dropped.
pub struct Internal {
    pub base: Url,
    _serving: Serving,
}

fn base(socket: &TcpListener) -> Url {
    format!("http://{}", socket.local_addr().expect("bound")).parse().expect("a URL")
}

/// What a stub does with a request.
#[derive(Clone, Debug)]
pub enum Reply {
    /// Answers with these bytes.
    Raw(String),
    /// Takes the request and says nothing.
    Silence,
    /// Takes the request and hangs up.
    HangUp,
}

impl Reply {
    /// A whole answer.
    pub fn new(status: u16, body: &str) -> Self {
        let length = body.len();
        Self::Raw(format!("HTTP/1.1 {status} Said\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"))
    }

    /// The same, with one more header.
    pub fn with(self, header: &str) -> Self {
        let Self::Raw(text) = self else { return self };
        Self::Raw(text.replacen("\r\n", &format!("\r\n{header}\r\n"), 1))
    }
}

/// A server that does what it is told to, one reply for each request and the last one for all that follow.
pub struct Stub {
    pub base: Url,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Stub {
    pub async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let base = format!("http://{}", socket.local_addr().expect("bound")).parse().expect("a URL");
        let replies = Arc::new(Mutex::new(replies.into_iter().collect::<VecDeque<_>>()));
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let stub = Self { base, replies: replies.clone(), requests: requests.clone() };
        tokio::spawn(async move {
            while let Ok((connection, _)) = socket.accept().await {
                tokio::spawn(answer(connection, replies.clone(), requests.clone()));
            }
        });
        stub
    }

    /// From now on only this.
    pub fn reply(&self, reply: Reply) {
        *self.replies.lock().expect("the replies") = VecDeque::from([reply]);
    }

    /// Every request so far: its head and its body.
    pub fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("the requests").clone()
    }
}

async fn answer(
    mut connection: tokio::net::TcpStream,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    requests: Arc<Mutex<Vec<String>>>,
) {
    let request = read(&mut connection).await;
    requests.lock().expect("the requests").push(request);
    let reply = {
        let mut replies = replies.lock().expect("the replies");
        if replies.len() > 1 { replies.pop_front() } else { replies.front().cloned() }
    };
    match reply.expect("a reply") {
        // Whoever reads no further closes the connection before it is written.
        Reply::Raw(text) => drop(connection.write_all(text.as_bytes()).await),
        Reply::Silence => drop(connection.read_to_end(&mut Vec::new()).await),
        Reply::HangUp => {}
    }
}

/// A request; what there was of it, if the connection has ended.
pub async fn read(connection: &mut tokio::net::TcpStream) -> String {
    let mut text = String::new();
    loop {
        let mut chunk = [0; 4096];
        let length = connection.read(&mut chunk).await.expect("a request");
        text.push_str(&String::from_utf8_lossy(&chunk[..length]));
        let whole = text.split_once("\r\n\r\n").is_some_and(|(head, body)| {
            body.len() >= header(head, "content-length").and_then(|n| n.parse().ok()).unwrap_or(0)
        });
        if length == 0 || whole {
            return text;
        }
    }
}

/// A header of a request that a stub took.
pub fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    let lines = request.lines().take_while(|line| !line.is_empty());
    lines.filter_map(|line| line.split_once(": ")).find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// A secret, to compare it.
pub fn shown(secret: Option<&SecretString>) -> Option<&str> {
    secret.map(|secret| secret.expose_secret())
}
