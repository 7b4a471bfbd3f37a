//! A balancer in front of the replicas of four services: the one public origin.
//!
//! Which service answers which path is `deploy/routes.toml`. A request goes to one replica of it, drawn by a seeded generator; to another
//! one only if the first cannot be connected to, and never again once a byte of it was sent.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    CONNECTION, EXPECT, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, Uri};
use hyper_util::rt::TokioIo;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::SliceRandom as _;
use tessera_testkit::{Routes, TlsFiles, is_ambiguous};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::tls::{Stream, Tls};

/// Connections of clients at once; more wait.
const CONNECTIONS: usize = 512;
/// How long a replica may take to accept.
const CONNECT: Duration = Duration::from_secs(1);
/// How long a replica may take to begin an answer: longer than the mailbox lets a caller wait.
const ANSWER: Duration = Duration::from_secs(60);

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// What concerns one connection only.
const OF_A_CONNECTION: [HeaderName; 7] =
    [CONNECTION, HeaderName::from_static("keep-alive"), EXPECT, TE, TRAILER, TRANSFER_ENCODING, UPGRADE];

type Body = BoxBody<Bytes, hyper::Error>;

/// The balancer. It listens on both loopback addresses and ends when this is dropped.
#[derive(Debug)]
pub struct Gateway {
    port: u16,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    routes: Routes,
    tls: Tls,
    replicas: Mutex<BTreeMap<String, Vec<u16>>>,
    random: Mutex<StdRng>,
}

impl Gateway {
    /// Listens on a port, with no replicas yet; with TLS before and behind it, if it is given what to show.
    ///
    /// # Panics
    /// When the port is taken.
    pub async fn start(port: u16, seed: u64, tls: Option<&TlsFiles>) -> Self {
        let shared = Arc::new(Shared {
            routes: Routes::committed().expect("deploy/routes.toml"),
            tls: Tls::of(tls),
            replicas: Mutex::default(),
            random: Mutex::new(StdRng::seed_from_u64(seed)),
        });
        let here = TcpListener::bind(("127.0.0.1", port)).await.expect("the gateway's port");
        // A machine without IPv6 is served by IPv4 alone.
        let there = TcpListener::bind(("::1", port)).await.ok();
        let serving = tokio::spawn(accept(here, there, Arc::clone(&shared)));
        Self { port, shared, serving }
    }

    /// Its port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The service that answers a path.
    #[must_use]
    pub fn service_of(&self, path: &str) -> Option<&str> {
        self.shared.routes.service_of(path)
    }

    /// From now on a service is answered for by what listens on these ports.
    pub fn set(&self, service: &str, replicas: Vec<u16>) {
        self.shared.replicas.lock().unwrap_or_else(PoisonError::into_inner).insert(service.to_owned(), replicas);
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn accept(here: TcpListener, there: Option<TcpListener>, shared: Arc<Shared>) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = here.accept() => accepted,
            accepted = async { match &there { Some(there) => there.accept().await, None => std::future::pending().await } } => accepted,
        };
        while connections.try_join_next().is_some() {}
        let Ok((stream, from)) = accepted else { continue };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let answer = service_fn(|request| {
                let shared = Arc::clone(&shared);
                async move { Ok::<_, std::convert::Infallible>(shared.answer(request, from.ip()).await) }
            });
            // A client that hangs up, or speaks something else, is no concern of the others.
            if let Ok(stream) = shared.tls.accept(stream).await {
                let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await;
            }
            drop(slot);
        });
    }
}

impl Shared {
    async fn answer(&self, request: Request<Incoming>, from: IpAddr) -> Response<Body> {
        let path = request.uri().path();
        if is_ambiguous(path) {
            return refusal(StatusCode::NOT_FOUND, "this path can be read in two ways");
        }
        let Some(service) = self.routes.service_of(path) else {
            return refusal(StatusCode::NOT_FOUND, "no service answers this path");
        };
        match self.connect(service).await {
            Some(stream) => forward(request, stream, from).await,
            None => refusal(StatusCode::SERVICE_UNAVAILABLE, "no replica of the service can be connected to"),
        }
    }

    /// A connection to some replica of a service.
    async fn connect(&self, service: &str) -> Option<Box<dyn Stream>> {
        let mut ports = self.replicas.lock().unwrap_or_else(PoisonError::into_inner).get(service)?.clone();
        ports.shuffle(&mut *self.random.lock().unwrap_or_else(PoisonError::into_inner));
        for port in ports {
            let address = SocketAddr::from(([127, 0, 0, 1], port));
            let connected = async { self.tls.connect(TcpStream::connect(address).await?).await };
            if let Ok(Ok(stream)) = timeout(CONNECT, connected).await {
                return Some(stream);
            }
        }
        None
    }
}

/// Sends the request over a connection of its own: one that was kept open might be closed at the moment of its use.
async fn forward(request: Request<Incoming>, stream: Box<dyn Stream>, from: IpAddr) -> Response<Body> {
    let Ok(request) = readdressed(request, from) else {
        return refusal(StatusCode::BAD_REQUEST, "this request cannot be passed on");
    };
    let exchange = async {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        sender.send_request(request).await
    };
    match timeout(ANSWER, exchange).await {
        Ok(Ok(mut response)) => {
            remove_hops(response.headers_mut());
            response.map(BodyExt::boxed)
        }
        Ok(Err(_)) => refusal(StatusCode::BAD_GATEWAY, "the replica ended the connection without an answer"),
        Err(_) => refusal(StatusCode::GATEWAY_TIMEOUT, "the replica did not answer in time"),
    }
}

/// The request as the replica shall see it: the path as it came, `Host` and `Origin` too, and whom it came from.
fn readdressed(mut request: Request<Incoming>, from: IpAddr) -> Result<Request<Incoming>, hyper::http::Error> {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    *request.uri_mut() = Uri::builder().path_and_query(path).build()?;
    let headers = request.headers_mut();
    remove_hops(headers);
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    let before = headers.get_all(&FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    let forwarded: Vec<String> = before.map(str::to_owned).chain([from.to_string()]).collect();
    headers.insert(FORWARDED_FOR, HeaderValue::from_str(&forwarded.join(", "))?);
    Ok(request)
}

fn remove_hops(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in named.iter().chain(&OF_A_CONNECTION) {
        headers.remove(name);
    }
}

fn refusal(status: StatusCode, reason: &'static str) -> Response<Body> {
    let body = Full::from(reason).map_err(|never| match never {}).boxed();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

#[cfg(test)]
mod tests;
