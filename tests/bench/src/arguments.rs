//! The command line.

use clap::{Args, Parser, Subcommand};

/// What to do.
#[derive(Debug, Parser)]
#[command(name = "bench", about = "Speed and size of the built programs, beside what the machine allows")]
pub struct Arguments {
    /// Cargo says this to every benchmark.
    #[arg(long, hide = true, global = true)]
    bench: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Put load on the platform, and measure the limits beside it
    Load(Load),
    /// Memory, time to the first answer, and size of the programs
    Measure,
    /// The smallest server: what one HTTP exchange costs
    #[command(hide = true)]
    Ceiling { port: u16, workers: usize },
}

/// How much load.
#[derive(Clone, Debug, Args)]
pub struct Load {
    /// Rounds: in each everything is measured once
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// Seconds of each run, at most
    #[arg(long, default_value_t = 3)]
    pub seconds: u64,
    /// Requests of each run, at most
    #[arg(long, default_value_t = 200_000)]
    pub requests: u64,
    /// Only workloads whose name holds this
    #[arg(long, default_value = "")]
    pub only: String,
    /// Only shapes whose name holds this
    #[arg(long, default_value = "")]
    pub shape: String,
}
