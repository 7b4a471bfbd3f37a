//! Listening, and stopping without cutting anybody off.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, middleware, web};
use tokio::sync::watch;

use super::{EdgeSettings, Endpoints, guard, not_found};
use crate::clock::Clock;
use crate::random::Random;
use crate::tls::ServerIdentity;

/// How long requests under way may take after a stop was asked for, in seconds.
const SHUTDOWN_S: u64 = 20;

/// Tells every loop of a process to stop.
#[derive(Debug)]
pub struct Stop(watch::Sender<bool>);

/// The receiving end: resolves once a stop was asked for.
#[derive(Clone, Debug)]
pub struct StopSignal(watch::Receiver<bool>);

impl Stop {
    /// A stop nobody has asked for yet.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    /// An end for one loop.
    #[must_use]
    pub fn signal(&self) -> StopSignal {
        StopSignal(self.0.subscribe())
    }

    /// Asks all to stop.
    pub fn ask(&self) {
        self.0.send_replace(true);
    }
}

impl Default for Stop {
    fn default() -> Self {
        Self::new()
    }
}

impl StopSignal {
    /// Waits until a stop is asked for.
    pub async fn asked(&mut self) {
        // An error means that the asking end is gone: the process is ending.
        let _ = self.0.wait_for(|asked| *asked).await;
    }

    /// The underlying receiver, for loops that select on it.
    #[must_use]
    pub fn receiver(&self) -> watch::Receiver<bool> {
        self.0.clone()
    }
}

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

/// Starts to serve; answers the handle that stops it and the task that runs it.
///
/// `state` adds each context's own data.
///
/// # Errors
/// When a socket cannot be used, or TLS cannot be served.
pub fn listen<S>(
    listener: Listener,
    edge: EdgeSettings,
    clock: Clock,
    random: Random,
    state: S,
) -> std::io::Result<(ServerHandle, tokio::task::JoinHandle<std::io::Result<()>>)>
where
    S: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
{
    let Listener { sockets, endpoints, workers, tls } = listener;
    let tls = tls.map(|identity| identity.server_config()).transpose().map_err(std::io::Error::other)?;
    let (edge, clock, random) = (web::Data::new(edge), web::Data::new(clock), web::Data::new(random));
    // Every socket has a copy of what makes its application, and descriptions are large.
    let endpoints = Arc::new(endpoints);
    let mut server = HttpServer::new(move || {
        App::new()
            .app_data(edge.clone())
            .app_data(clock.clone())
            .app_data(random.clone())
            .configure(state.clone())
            .configure(|config| endpoints.configure(config))
            .default_service(web::to(not_found))
            .wrap(middleware::from_fn(guard))
    })
    .workers(workers)
    .client_request_timeout(Duration::from_secs(5))
    .keep_alive(Duration::from_secs(15))
    .shutdown_timeout(SHUTDOWN_S)
    .disable_signals();
    for socket in sockets {
        server = match &tls {
            Some(config) => server.listen_rustls_0_23(socket, config.clone())?,
            None => server.listen(socket)?,
        };
    }
    let server = server.run();
    let handle = server.handle();
    Ok((handle, tokio::spawn(server)))
}
