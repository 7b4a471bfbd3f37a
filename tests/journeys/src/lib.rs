//! Runs the real program as a process of its own: on free ports, on a temporary data folder, and to whatever end a test has for it.
#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a test whose program cannot be run, or does not do what it should, fails"
)]

mod api;
mod collector;
mod folder;
mod instance;
mod program;

use std::time::Duration;

pub use api::Api;
pub use collector::{Collector, SeenSpan, Trace};
pub use folder::DataFolder;
pub use instance::{Ended, Instance, run};
pub use tessera_testkit::{Answer, Call, Value, json};

/// Looks again and again until there is something to see. For what another process does, which tells nobody when.
///
/// # Panics
/// With `what`, if it is not there in time.
pub async fn eventually<T>(what: &str, within: Duration, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let looking = async {
        loop {
            if let Some(seen) = look().await {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let seen = tokio::time::timeout(within, looking).await;
    seen.unwrap_or_else(|_| panic!("not within {within:?}: {what}"))
}
