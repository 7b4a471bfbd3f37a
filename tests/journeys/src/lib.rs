#![doc = include_str!("../README.md")]
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test whose program cannot be run, or does not do what it should, fails"
)]

mod api;
mod collector;
mod engines;
mod folder;
mod gateway;
mod ground;
mod history;
mod instance;
pub mod load;
mod ports;
mod process;
mod program;
mod proxy;
mod seeds;
mod services;
mod shape;
mod state;
mod tls;

use std::time::Duration;

pub use api::Api;
pub use collector::{Collector, SeenSpan, Trace};
pub use engines::{Engines, Postgres, RabbitMq, Redis};
pub use folder::DataFolder;
pub use gateway::Gateway;
pub use ground::Ground;
pub use history::{Begun, History, Operation, Outcome, Record, Violation};
pub use instance::{Instance, run};
pub use ports::free_port;
pub use process::{Ended, Process, ended};
pub use program::Program;
pub use proxy::{Mode, Proxy, Towards};
pub use seeds::{Seed, lasting, schedule, seeds};
pub use services::{Service, Services, Setup};
pub use shape::Shape;
pub use state::{Broken, State, connections, idle_in_transaction};
pub use tessera_testkit::{Answer, Call, MailBehaviour, MailServer, TlsFiles, Value, json};

/// What a log warns of. It leaves out what sqlx says where a statement or a free connection took long: that is the machine's doing.
#[must_use]
pub fn warnings(log: &str) -> String {
    let slow = ["slow statement: ", "time to acquire exceeded slow threshold"];
    log.split_inclusive('\n').filter(|line| !slow.iter().any(|said| line.contains(said))).collect()
}

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
