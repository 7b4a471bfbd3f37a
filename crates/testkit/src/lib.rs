#![doc = include_str!("../README.md")]
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot be set up, or that gets a wrong answer, fails"
)]

mod app;
mod captured;
mod client;
mod databases;
mod eventually;
mod mail_server;
mod redis;
mod service_keys;
mod tls_files;

pub use app::{START, TestApp};
pub use captured::Captured;
pub use client::{Answer, Call, streamed};
pub use databases::Engine;
pub use eventually::eventually;
pub use mail_server::{Heard, MailBehaviour, MailServer};
pub use redis::{SharedRedis, absent_redis};
pub use reqwest::Method;
pub use serde_json::{Value, json};
pub use service_keys::ServiceKeySet;
pub use tessera_common::server::is_ambiguous;
pub use tessera_contracts::subscriptions;
pub use tessera_standalone::routes::Routes;
pub use tls_files::TlsFiles;

/// Runs a test on each engine: `on_every_database! { async fn name(app: TestApp) { … } }`.
#[macro_export]
macro_rules! on_every_database {
    ($($(#[$meta:meta])* async fn $name:ident($app:ident: TestApp) $body:block)+) => {$(
        $(#[$meta])*
        mod $name {
            use super::*;

            async fn run($app: $crate::TestApp) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                run($crate::TestApp::start($crate::Engine::Sqlite).await).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_postgres() {
                if $crate::Engine::postgres_is_wanted() {
                    run($crate::TestApp::start($crate::Engine::Postgres).await).await;
                }
            }
        }
    )+};
}
