#![doc = include_str!("../README.md")]
#![expect(clippy::print_stdout, reason = "a command line tool speaks through standard output")]

mod bench;
mod boundaries;
mod card;
mod compose_test;
mod demo;
mod faults;
mod generate;
mod process;
mod report;
mod rulebook;
mod source;
mod stopwatch;
mod test_run;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::report::Outcome;
use crate::rulebook::Rulebook;
use crate::workspace::Workspace;

/// The commands of the Tessera repository.
#[derive(Debug, Parser)]
#[command(name = "xtask", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run every test and repository check that can run here.
    Test {
        /// Fail, before anything is built, when a suite would be left out.
        #[arg(long)]
        require_all: bool,
    },
    /// Run the tests that kill processes and cut connections.
    Faults {
        /// How many seeds each of them runs.
        #[arg(long, default_value_t = 100)]
        seeds: u64,
        /// How many seconds a fault lasts that lasts: what is promised, is promised for a minute.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Compare crate edges and layers with the committed rules.
    CheckBoundaries,
    /// Check the libraries and folders the project promises to stand on.
    CheckCard,
    /// Fail when a generated file differs from the committed one.
    CheckDrift,
    /// Rewrite the generated files.
    Generate {
        /// Change nothing; fail when a committed file differs.
        #[arg(long)]
        check: bool,
    },
    /// Put load on the release build and print its shares of what this machine allows.
    Bench {
        /// Passed on, as `--rounds 5 --only jwks`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Print memory, time to the first answer and size of the release build.
    Measure,
    /// Walk the first journey and print each request and answer.
    Demo {
        /// Where a platform runs. Without it: http://localhost:8000 if one is there, else one is started.
        #[arg(long)]
        origin: Option<String>,
    },
    /// Build and start the stack of docker-compose.yml, walk through it twice, and remove it.
    ComposeTest,
}

fn main() -> ExitCode {
    match run(&Arguments::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Runs one command; `false` is a failure that has been reported already.
fn run(command: &Command) -> anyhow::Result<bool> {
    let workspace = Workspace::load()?;
    match command {
        Command::Test { require_all } => test_run::run(&workspace, *require_all),
        Command::Faults { seeds, seconds } => faults::run(&workspace, *seeds, *seconds),
        Command::CheckBoundaries => {
            let rulebook = Rulebook::load(&workspace)?;
            Ok(print("check-boundaries", &boundaries::check(&workspace, &rulebook)?))
        }
        Command::CheckCard => {
            let rulebook = Rulebook::load(&workspace)?;
            Ok(print("check-card", &card::check(&workspace, &rulebook)?))
        }
        Command::Generate { check: false } => generate::write(&workspace).map(|()| true),
        Command::CheckDrift | Command::Generate { check: true } => {
            let outcome = generate::check(&workspace, generate::Scope::Everything)?;
            Ok(print("check-drift", &outcome))
        }
        Command::Bench { arguments } => bench::run(&workspace, "load", arguments),
        Command::Measure => bench::run(&workspace, "measure", &[]),
        Command::Demo { origin } => demo::run(&workspace, origin.as_deref()),
        Command::ComposeTest => compose_test::run(&workspace),
    }
}

fn print(name: &str, outcome: &Outcome) -> bool {
    print!("{}", outcome.describe(name));
    outcome.is_clean()
}
