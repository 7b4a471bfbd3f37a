//! The one test command: finds out which engines are there, runs every suite in order, and ends
//! with one table whose last lines say what was left out and how to get it.

mod counts;
mod postgres;
mod suites;
mod summary;

use crate::process;
use crate::stopwatch::Stopwatch;
use crate::test_run::postgres::Postgres;
use crate::test_run::suites::Suite;
use crate::test_run::summary::{Row, Summary};
use crate::workspace::Workspace;

/// Runs everything that can run here; `true` when all of it passed and, with `require_all`, nothing
/// was left out.
pub fn run(workspace: &Workspace, require_all: bool) -> anyhow::Result<bool> {
    process::catch_interrupts()?;
    let total = Stopwatch::start();
    // Kept to the end of this function: a private server stops and goes away with it.
    let postgres = Postgres::find();
    println!("PostgreSQL: {}", postgres.describe());
    if require_all && let Some(absence) = postgres.absence() {
        print!("{absence}");
        println!("FAILED: --require-all, but PostgreSQL would be left out; nothing was built or run");
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
        let row = run_suite(workspace, suite, &postgres);
        println!("[{}] {}", total.display(), row.sentence());
        summary.add(row);
    }
    print!("\n{}", summary.table());
    if let Some(absence) = postgres.absence() {
        print!("{absence}");
    }
    println!("{}", summary.last_line(&total.display(), postgres.absence().map(|_| "PostgreSQL")));
    Ok(summary.passed())
}

/// Runs one suite; one that cannot run at all has failed.
fn run_suite(workspace: &Workspace, suite: &Suite, postgres: &Postgres) -> Row {
    let watch = Stopwatch::start();
    let result = suite.run(workspace, postgres);
    let elapsed = watch.elapsed();
    match result {
        Ok((counts, problem)) => Row::new(*suite, counts, elapsed, problem),
        Err(error) => Row::new(*suite, counts::Counts::default(), elapsed, Some(format!("{error:#}"))),
    }
}
