//! Listening, and stopping without cutting anybody off.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::ConnectionType;
use actix_web::{App, HttpServer, middleware, web};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{Shutdown, shutdown};
#[cfg(target_os = "linux")]
use socket2::{SockFilter, SockRef};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::{EdgeSettings, Endpoints, guard, not_found};
use crate::clock::Clock;
use crate::random::Random;
use crate::tls::ServerIdentity;

/// How long requests under way may take once nobody else can connect.
const LAST_ANSWERS: Duration = Duration::from_secs(15);
/// How long what is left of answers may take to be written afterwards, in seconds.
const WRITTEN_S: u64 = 5;
/// How long a client that has just connected may take to ask, once nobody else can connect.
const FIRST_REQUEST: Duration = Duration::from_millis(500);
/// How long who has begun to connect may take to be connected, once nobody else begins: more than a way there and back within a site.
const HANDSHAKE: Duration = Duration::from_millis(5);
/// How often it is looked whether all who wait to be accepted are.
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// How many times at most: two seconds in all.
const MOST_LOOKS: usize = 1_000;

/// What one listener serves.
#[derive(Debug)]
pub struct Listener {
    /// Bound sockets; all serve the same.
    pub sockets: Vec<TcpListener>,
    /// The operations.
    pub endpoints: Endpoints,
    /// Threads that answer.
    pub workers: usize,
    /// What it proves its name with; `None` for plain HTTP.
    pub tls: Option<ServerIdentity>,
}

/// A listener that serves. When this is dropped it is cut off.
#[derive(Debug)]
pub struct Serving {
    server: ServerHandle,
    running: JoinHandle<io::Result<()>>,
    // The same sockets as the server's.
    sockets: Vec<TcpListener>,
    traffic: web::Data<Traffic>,
}

/// What the requests of a listener and its end know of each other.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    /// Whether answers end their connections.
    ending: AtomicBool,
    /// Requests that are being answered.
    under_way: watch::Sender<usize>,
}

impl Traffic {
    /// How the connection of an answer goes on; `None` to leave it as the client asked.
    pub(super) fn connection(&self) -> Option<ConnectionType> {
        self.ending.load(Ordering::Relaxed).then_some(ConnectionType::Close)
    }
}

/// A request that is being answered, for as long as this is held.
#[derive(Debug)]
pub(super) struct UnderWay(web::Data<Traffic>);

impl UnderWay {
    pub(super) fn begin(traffic: &web::Data<Traffic>) -> Self {
        traffic.under_way.send_modify(|requests| *requests += 1);
        Self(traffic.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.send_modify(|requests| *requests -= 1);
    }
}

/// Starts to serve. `state` adds each context's own data.
///
/// # Errors
/// When a socket cannot be used, or TLS cannot be served.
pub fn listen<S>(listener: Listener, edge: EdgeSettings, clock: Clock, random: Random, state: S) -> io::Result<Serving>
where
    S: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
{
    let Listener { sockets, endpoints, workers, tls } = listener;
    let tls = tls.map(|identity| identity.server_config()).transpose().map_err(io::Error::other)?;
    let (edge, clock, random) = (web::Data::new(edge), web::Data::new(clock), web::Data::new(random));
    let traffic = web::Data::new(Traffic::default());
    let told = traffic.clone();
    // Every socket has a copy of what makes its application, and descriptions are large.
    let endpoints = Arc::new(endpoints);
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(edge.clone())
            .app_data(clock.clone())
            .app_data(random.clone())
            .app_data(told.clone())
            .configure(|config| endpoints.configure(config))
            // After them: what it adds is for few, and is looked at by whoever is not found before.
            .configure(state.clone())
            .default_service(web::to(not_found))
            .wrap(middleware::from_fn(guard))
    })
    .workers(workers)
    .client_request_timeout(Duration::from_secs(5))
    .keep_alive(Duration::from_secs(15))
    .shutdown_timeout(WRITTEN_S)
    .disable_signals();
    let kept = sockets.iter().map(TcpListener::try_clone).collect::<io::Result<_>>()?;
    for socket in sockets {
        server = match &tls {
            Some(config) => server.listen_rustls_0_23(socket, config.clone())?,
            None => server.listen(socket)?,
        };
    }
    let server = server.run();
    Ok(Serving { server: server.handle(), running: tokio::spawn(server), sockets: kept, traffic })
}

impl Serving {
    /// From now on each answer ends its connection, so that few are open when they are closed.
    pub fn end_connections(&self) {
        self.traffic.ending.store(true, Ordering::Relaxed);
    }

    /// Lets nobody else connect, and waits until who is connected is answered, for at most 15 seconds. A proxy that tries another replica
    /// when it is refused notices nothing.
    ///
    /// Its threads go on: what one of them has opened, as a connection to the database, ends with it, and others may use that.
    pub async fn finish(&self) {
        self.end_connections();
        self.refuse().await;
        // The server closes connections on which nothing was asked yet.
        tokio::time::sleep(FIRST_REQUEST).await;
        let mut under_way = self.traffic.under_way.subscribe();
        // Whoever takes longer is cut off.
        let _ = tokio::time::timeout(LAST_ANSWERS, under_way.wait_for(|requests| *requests == 0)).await;
    }

    /// Lets nobody else connect, at a moment when nobody waits to be accepted: who waited would be cut off.
    async fn refuse(&self) {
        for socket in &self.sockets {
            // Without it who connects after the last look is cut off.
            if let Err(error) = put_off(socket) {
                tracing::debug!(%error, "who connects while this stops listening is not put off");
            }
        }
        tokio::time::sleep(HANDSHAKE).await;
        for _ in 0..MOST_LOOKS {
            // Nobody tries to accept from a socket that is shut down.
            self.server.pause().await;
            tokio::time::sleep(LOOK_EVERY).await;
            if !self.sockets.iter().any(is_waited_at) {
                break;
            }
            self.server.resume().await;
            tokio::time::sleep(LOOK_EVERY).await;
        }
        for socket in &self.sockets {
            // Where a listening socket cannot be shut down it is closed with the server.
            let _ = shutdown(socket, Shutdown::Read);
        }
    }

    /// Stops: gracefully, once it has [finished](Self::finish), so that answers are still written; otherwise everybody is cut off.
    ///
    /// # Errors
    /// When the server had failed.
    pub async fn stop(mut self, graceful: bool) -> io::Result<()> {
        self.server.stop(graceful).await;
        (&mut self.running).await.map_err(io::Error::other)?
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.server.stop(false));
    }
}

fn is_waited_at(socket: &TcpListener) -> bool {
    poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&Timespec::default())).is_ok_and(|sockets| sockets > 0)
}

/// From now on nobody begins to connect, and who has begun goes on: segments that open a connection are dropped unseen. A client sends its
/// own again (after a second: RFC 6298, section 2.1), and is refused by a socket that is shut down by then.
#[cfg(target_os = "linux")]
fn put_off(socket: &TcpListener) -> io::Result<()> {
    // Classic BPF over the TCP header (RFC 9293, section 3.1), whose byte 13 has the flags.
    const LOAD_BYTE: u16 = 0x30;
    const AND: u16 = 0x54;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    const FLAGS: u32 = 13;
    const SYN: u32 = 0x02;
    const ACK: u32 = 0x10;
    SockRef::from(socket).attach_filter(&[
        SockFilter::new(LOAD_BYTE, 0, 0, FLAGS),
        SockFilter::new(AND, 0, 0, SYN | ACK),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, SYN),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ])
}

/// Elsewhere there is no such filter.
#[cfg(not(target_os = "linux"))]
fn put_off(_: &TcpListener) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
