//! The tests that kill and cut, with more seeds than the usual run has time for.

use crate::process;
use crate::workspace::Workspace;

/// How many seeds each test is to run.
const SEEDS: &str = "TESSERA_FAULT_SEEDS";
/// How many seconds a fault lasts that lasts.
const SECONDS: &str = "TESSERA_FAULT_SECONDS";
/// The test binaries that draw from them.
const SUITES: [&str; 2] = ["kill", "faults"];

/// Runs them in the features of the whole workspace, so that the programs are not built twice; `true` if all passed.
pub fn run(workspace: &Workspace, seeds: u64, seconds: u64) -> anyhow::Result<bool> {
    process::catch_interrupts()?;
    let mut command = process::cargo();
    command.current_dir(&workspace.root).env(SEEDS, seeds.to_string()).env(SECONDS, seconds.to_string());
    command.args(["test", "--workspace", "--locked", "--no-fail-fast"]);
    for suite in SUITES {
        command.args(["--test", suite]);
    }
    command.args(["--", "--nocapture"]);
    Ok(process::stream(&mut command, |_| ())?.success())
}
