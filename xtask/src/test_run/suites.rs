//! The suites in the order they run: the tests, the examples of the documentation, and the
//! repository checks.

use std::io::IsTerminal as _;
use std::process::Command;

use super::counts::Counts;
use super::servers::Servers;
use crate::report::Outcome;
use crate::rulebook::Rulebook;
use crate::workspace::{Package, Workspace};
use crate::{boundaries, card, generate, process, source};

/// One suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// Every test of the workspace, by cargo-nextest.
    Nextest,
    /// Every test of the workspace, by cargo itself.
    CargoTest,
    /// The examples of the documentation.
    DocTests,
    /// `check-boundaries`.
    Boundaries,
    /// `check-card`.
    Card,
    /// `check-drift`.
    Drift,
}

/// What runs here.
pub fn all(workspace: &Workspace) -> anyhow::Result<Vec<Suite>> {
    let has_nextest = process::answers(process::cargo().args(["nextest", "--version"]));
    let mut suites = vec![if has_nextest { Suite::Nextest } else { Suite::CargoTest }];
    if has_doc_tests(workspace)? {
        suites.push(Suite::DocTests);
    }
    suites.extend([Suite::Boundaries, Suite::Card, Suite::Drift]);
    Ok(suites)
}

impl Suite {
    /// Its name in the table.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nextest | Self::CargoTest => "tests",
            Self::DocTests => "doc tests",
            Self::Boundaries => "check-boundaries",
            Self::Card => "check-card",
            Self::Drift => "check-drift",
        }
    }

    /// Whether it counts tests, not comparisons.
    pub fn counts_tests(self) -> bool {
        matches!(self, Self::Nextest | Self::CargoTest | Self::DocTests)
    }

    /// What is about to run.
    pub fn title(self) -> &'static str {
        match self {
            Self::Nextest => "tests (cargo nextest run)",
            Self::CargoTest => "tests (cargo test; cargo-nextest is not installed)",
            Self::DocTests => "doc tests (cargo test --doc)",
            Self::Boundaries => "check-boundaries",
            Self::Card => "check-card",
            Self::Drift => "check-drift (generated files)",
        }
    }

    /// Runs it: its counts, and what is wrong if something is.
    pub fn run(self, workspace: &Workspace, servers: &Servers) -> anyhow::Result<(Counts, Option<String>)> {
        match self {
            Self::Nextest => {
                let mut command = cargo(workspace, servers);
                command.args(["nextest", "run", "--workspace", "--locked", "--no-fail-fast"]);
                tests(&mut command, Counts::read_nextest)
            }
            Self::CargoTest => {
                let mut command = cargo(workspace, servers);
                command.args(["test", "--tests", "--workspace", "--locked", "--no-fail-fast"]);
                tests(&mut command, Counts::read_built_in)
            }
            Self::DocTests => {
                let mut command = cargo(workspace, servers);
                command.args(["test", "--doc", "--workspace", "--locked", "--no-fail-fast"]);
                tests(&mut command, Counts::read_built_in)
            }
            Self::Boundaries => {
                Ok(check("check-boundaries", &boundaries::check(workspace, &Rulebook::load(workspace)?)?))
            }
            Self::Card => Ok(check("check-card", &card::check(workspace, &Rulebook::load(workspace)?)?)),
            Self::Drift => Ok(check("check-drift", &generate::check(workspace, generate::Scope::BesidesTests)?)),
        }
    }
}

fn cargo(workspace: &Workspace, servers: &Servers) -> Command {
    let mut command = process::cargo();
    command.current_dir(&workspace.root);
    servers.configure(&mut command);
    // The output passes through this program, which would otherwise cost a person the colours.
    let chosen = ["CARGO_TERM_COLOR", "NO_COLOR"].iter().any(|name| std::env::var_os(name).is_some());
    if !chosen && std::io::stderr().is_terminal() {
        command.env("CARGO_TERM_COLOR", "always");
    }
    command
}

fn tests(command: &mut Command, read: fn(&mut Counts, &str)) -> anyhow::Result<(Counts, Option<String>)> {
    let mut counts = Counts::default();
    let status = process::stream(command, |line| read(&mut counts, line))?;
    let problem = if process::interrupted() {
        Some("interrupted".to_owned())
    } else if !status.success() {
        Some(format!("the test runner ended with {status}"))
    } else if counts.is_empty() {
        Some("no test ran".to_owned())
    } else {
        None
    };
    Ok((counts, problem))
}

fn check(name: &str, outcome: &Outcome) -> (Counts, Option<String>) {
    print!("{}", outcome.describe(name));
    let failed = outcome.findings.len();
    let counts = Counts { passed: outcome.compared.saturating_sub(failed), failed, skipped: 0 };
    (counts, (!outcome.is_clean()).then(|| format!("{failed} finding{}", if failed == 1 { "" } else { "s" })))
}

/// Told from the sources: building the doc tests only to find none costs a minute.
fn has_doc_tests(workspace: &Workspace) -> anyhow::Result<bool> {
    for package in workspace.packages.iter().filter(|package| package.has_library()) {
        if package.sources(workspace)?.iter().any(|file| source::has_doc_example(&file.text)) {
            return Ok(true);
        }
        if readme(package).is_some_and(|text| source::has_markdown_example(&text)) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The README of a crate that includes it as its documentation.
fn readme(package: &Package) -> Option<String> {
    let folder = package.manifest_path.parent()?;
    let library = std::fs::read_to_string(folder.join("src/lib.rs")).ok()?;
    library
        .contains("include_str!(\"../README.md\")")
        .then(|| std::fs::read_to_string(folder.join("README.md")).ok())?
}
