//! `cargo xtask bench` and `cargo xtask measure` run this: see docs/performance.md.
#![expect(clippy::print_stderr, reason = "the last word of a program that cannot go on")]

use std::process::ExitCode;

fn main() -> ExitCode {
    match tessera_bench::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
