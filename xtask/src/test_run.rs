//! The one test command: finds out which engines and tools are there, runs every suite in order, and ends
//! with one table whose last lines say what was left out and how to get it.

mod absence;
mod counts;
mod engine;
mod engines;
mod nginx;
mod postgres;
mod rabbitmq;
mod redis;
mod servers;
mod suites;
mod summary;
mod tool;

use crate::process;
use crate::stopwatch::Stopwatch;
use crate::test_run::servers::Servers;
use crate::test_run::suites::Suite;
use crate::test_run::summary::{Row, Summary};
use crate::workspace::Workspace;

/// Runs everything that can run here; `true` when all of it passed and, with `require_all`, nothing
/// was left out.
pub fn run(workspace: &Workspace, require_all: bool) -> anyhow::Result<bool> {
    process::catch_interrupts()?;
    let total = Stopwatch::start();
    // Kept to the end of this function: private servers stop and go away with it.
    let servers = Servers::find(workspace);
    print!("{}", servers.describe());
    let absences = servers.absences();
    let left_out = absences.iter().map(|absence| absence.name).collect::<Vec<_>>().join(", ");
    let print_absences = || absences.iter().for_each(|absence| print!("{absence}"));
    if require_all && !absences.is_empty() {
        print_absences();
        println!("FAILED: --require-all, but {left_out} would be left out; nothing was built or run");
        return Ok(false);
    }

    let suites = suites::all(workspace)?;
    let mut summary = Summary::default();
    for (index, suite) in suites.iter().enumerate() {
        if process::interrupted() {
            summary.add(Row::not_run(*suite));
            continue;
        }
        println!("\n[{}] suite {} of {}: {}", total.display(), index + 1, suites.len(), suite.title());
        let row = run_suite(workspace, suite, &servers);
        println!("[{}] {}", total.display(), row.sentence());
        summary.add(row);
    }
    print!("\n{}", summary.table());
    print_absences();
    println!("{}", summary.last_line(&total.display(), Some(left_out.as_str()).filter(|names| !names.is_empty())));
    Ok(summary.passed())
}

/// Runs one suite; one that cannot run at all has failed.
fn run_suite(workspace: &Workspace, suite: &Suite, servers: &Servers) -> Row {
    let watch = Stopwatch::start();
    let result = suite.run(workspace, servers);
    let elapsed = watch.elapsed();
    match result {
        Ok((counts, problem)) => Row::new(*suite, counts, elapsed, problem),
        Err(error) => Row::new(*suite, counts::Counts::default(), elapsed, Some(format!("{error:#}"))),
    }
}
