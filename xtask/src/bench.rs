//! Builds the programs as they are shipped, and runs the benchmark on them.

use anyhow::Context as _;

use crate::process;
use crate::workspace::Workspace;

/// Runs one command of `tests/bench`, with its arguments; `false` when it failed and said why.
pub fn run(workspace: &Workspace, command: &str, arguments: &[String]) -> anyhow::Result<bool> {
    let build = ["build", "--release", "--locked", "--workspace", "--bins"];
    let bench = ["bench", "--locked", "--workspace", "--bench", "platform", "--", command];
    Ok(cargo(workspace, &build, &[])? && cargo(workspace, &bench, arguments)?)
}

fn cargo(workspace: &Workspace, words: &[&str], arguments: &[String]) -> anyhow::Result<bool> {
    let mut cargo = process::cargo();
    cargo.current_dir(&workspace.root).args(words).args(arguments);
    Ok(cargo.status().context("cargo did not start")?.success())
}
