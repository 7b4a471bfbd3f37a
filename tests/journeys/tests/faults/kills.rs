//! `kill -9` of each service in the middle of what callers do.

use std::time::Duration;

use rand::RngExt as _;
use tessera_journeys::{Service, seeds};

use crate::figures::under_way;
use crate::row::Row;

/// What a gateway says of a service that is gone, and a service of one that it calls.
const EXCUSED: [u16; 2] = [502, 503];
/// How long the service is away.
const AWAY: Duration = Duration::from_millis(500);

/// How far into an operation: some take a millisecond, a change of a password much longer.
const INTO: Duration = Duration::from_millis(150);

/// Kills a service while callers are in the middle of one of these.
async fn kill(name: &'static str, service: Service, works: &[&str]) {
    let Some(mut row) = Row::start(name).await else { return };
    for (work, seed) in works.iter().cycle().zip(seeds(3)) {
        row.round(seed, &EXCUSED, async |ground, history, random| {
            under_way(history, work).await;
            tokio::time::sleep(INTO.mul_f64(random.random::<f64>().powi(2))).await;
            ground.services.kill9(service, 0);
            tokio::time::sleep(AWAY.mul_f64(random.random())).await;
            let restarted = history.elapsed();
            ground.services.launch(service, 0).await;
            restarted
        })
        .await;
    }
    row.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f1_kill_9_of_auth_loses_and_doubles_nothing() {
    kill("F1 kill -9 of auth", Service::Auth, &["password change", "sign-up", "sign-in"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f2_kill_9_of_sessions_loses_and_doubles_nothing() {
    kill("F2 kill -9 of sessions", Service::Sessions, &["session end", "password change", "mint"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f3_kill_9_of_verify_loses_and_doubles_nothing() {
    kill("F3 kill -9 of verify", Service::Verify, &["code", "sign-up"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f4_kill_9_of_oauth_leaves_every_token_good() {
    kill("F4 kill -9 of oauth", Service::OAuth, &["code"]).await;
}
