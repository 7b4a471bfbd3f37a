//! How far the built programs are from what the machine allows, and what they take when idle. See docs/performance.md.
//!
//! A server's figure is never read alone: the limits (one HTTP exchange, one signature, one password hash, one statement) are measured
//! in the same round, on the same machine, and what is reported is the share of them.
#![expect(clippy::print_stdout, reason = "a benchmark prints its table")]

mod arguments;
mod bench;
mod figures;
mod floor;
mod http;
mod latencies;
mod limits;
mod load;
mod machine;
mod measure;
mod platform;
mod program;
mod stopwatch;
mod table;
mod tenant;
mod workload;

use clap::Parser as _;

use arguments::{Arguments, Command};

/// Runs what the command line asks for.
///
/// # Errors
/// When something cannot be started or measured, or an answer is wrong: such a run says nothing.
pub fn run() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    match arguments.command {
        // A server of its own process, so that it has no runtime yet.
        Command::Ceiling { port, workers } => limits::ceiling::serve(port, workers),
        Command::Load(options) => runtime()?.block_on(bench::run(&options)),
        Command::Measure => runtime()?.block_on(measure::run()),
    }
}

/// One thread: the generator must not take more than one core from what it measures.
fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
