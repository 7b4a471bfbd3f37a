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
mod password_change;
mod ports;
mod process;
mod program;
mod proxy;
mod seeds;
mod services;
mod shape;
mod state;
mod tls;

pub use api::Api;
pub use collector::{Collector, SeenSpan, Trace};
pub use engines::{Engines, Postgres, RabbitMq, Redis};
pub use folder::DataFolder;
pub use gateway::Gateway;
pub use ground::Ground;
pub use history::{Begun, History, Operation, Outcome, Record, Violation};
pub use instance::{Instance, run};
pub use password_change::change_password;
pub use ports::free_port;
pub use process::{Ended, Process, ended};
pub use program::Program;
pub use proxy::{Mode, Proxy, Towards};
pub use seeds::{Seed, lasting, schedule, seeds};
pub use services::{Service, Services, Setup};
pub use shape::Shape;
pub use state::{Broken, State, connections, idle_in_transaction};
pub use tessera_testkit::{Answer, Call, MailBehaviour, MailServer, TlsFiles, Value, eventually, json};

/// What a log warns of. It leaves out what sqlx says where a statement or a free connection took long: that is the machine's doing.
#[must_use]
pub fn warnings(log: &str) -> String {
    let slow = ["slow statement: ", "time to acquire exceeded slow threshold"];
    log.split_inclusive('\n').filter(|line| !slow.iter().any(|said| line.contains(said))).collect()
}
