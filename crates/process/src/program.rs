//! A program that serves: it listens, works, and stops in order.

use std::time::Duration;

use actix_web::web;
use tessera_common::clock::Clock;
use tessera_common::endpoints;
use tessera_common::random::Random;
use tessera_common::server::{EdgeSettings, Listener, Stop, StopSignal, listen, metrics};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use crate::health::{self, Readiness};

/// What is served, and on what it stands.
#[derive(Debug)]
pub struct Program {
    /// What the edge of both listeners knows.
    pub edge: EdgeSettings,
    /// The time.
    pub clock: Clock,
    /// Randomness.
    pub random: Random,
    /// What being ready depends on.
    pub readiness: Readiness,
    /// For everybody.
    pub public: Listener,
    /// For health checks, operators and other services: `/health` and `/metrics` are added. Its certificate is that of both.
    pub internal: Listener,
    /// From not being ready any more to the end of listening.
    pub drain: Duration,
}

impl Program {
    /// Serves until SIGTERM (requests under way finish) or SIGINT (they do not), then asks `workers` to stop by `stop` and waits for
    /// them. `announce` is called when it listens.
    ///
    /// # Errors
    /// When it cannot listen.
    pub async fn run<P, I>(
        self,
        configure: P,
        configure_internal: I,
        stop: Stop,
        mut workers: Vec<JoinHandle<()>>,
        announce: impl FnOnce(),
    ) -> anyhow::Result<()>
    where
        P: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
        I: Fn(&mut web::ServiceConfig) + Clone + Send + 'static,
    {
        let Self { edge, clock, random, readiness, public, mut internal, drain } = self;
        workers.push(tokio::spawn(keep_time(readiness.clone(), clock.clone(), stop.signal())));
        workers.extend(internal.tls.clone().map(|identity| tokio::spawn(identity.follow(stop.signal()))));
        internal.endpoints = internal.endpoints.and(endpoints![health::live, health::ready, metrics::get]);
        let ready = web::Data::new(readiness.clone());
        let with_health = move |config: &mut web::ServiceConfig| {
            config.app_data(ready.clone());
            configure_internal(config);
        };
        let public = listen(public, edge.clone(), clock.clone(), random.clone(), configure)?;
        let edge = EdgeSettings { callers_are_ours: true, ..edge };
        let internal = listen(internal, edge, clock, random, with_health)?;
        announce();

        let graceful = asked_to_stop().await?;
        tracing::info!("stopping: requests under way finish");
        readiness.stop();
        let stopped = if graceful {
            public.end_connections();
            internal.end_connections();
            tokio::time::sleep(drain).await;
            public.finish().await;
            internal.finish().await;
            // A connection to the database ends with the thread that opened it, be it one of a listener. So the listeners' are the last.
            end(stop, workers).await;
            public.stop(true).await.and(internal.stop(true).await)
        } else {
            let stopped = public.stop(false).await.and(internal.stop(false).await);
            end(stop, workers).await;
            stopped
        };
        for db in readiness.databases() {
            db.close().await;
        }
        Ok(stopped?)
    }
}

/// Asks workers to stop, and waits until they have.
async fn end(stop: Stop, workers: Vec<JoinHandle<()>>) {
    stop.ask();
    for worker in workers {
        // A worker that panicked has said so; the others still stop in order.
        let _ = worker.await;
    }
}

/// Waits for a signal; whether to let requests finish.
async fn asked_to_stop() -> std::io::Result<bool> {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(tokio::select! {
        _ = terminate.recv() => true,
        _ = interrupt.recv() => false,
    })
}

/// Measures the databases' time, and stores the mark that no later run may be before.
async fn keep_time(readiness: Readiness, clock: Clock, mut stop: StopSignal) {
    loop {
        tokio::select! {
            () = stop.asked() => return,
            () = tokio::time::sleep(tessera_storage::clock::MEASURE_EVERY) => {}
        }
        for db in readiness.databases() {
            if let Err(error) = tessera_storage::clock::measure(db, &clock).await {
                tracing::warn!(%error, "the time could not be measured");
            }
        }
    }
}
