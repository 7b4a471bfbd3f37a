//! What was measured, for people and for programs.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Context as _;
use serde::Serialize;

use crate::bench::{Report, Round, Run};
use crate::figures::Spread;
use crate::platform::Shape;
use crate::workload::Workload;

/// The table of a report: medians over the rounds, shares with the least and the most.
pub fn of(report: &Report) -> String {
    let mut text = format!("\n{} ({} cores), {} rounds\n", report.processor, report.cores, report.rounds.len());
    limits(&mut text, report);
    line(
        &mut text,
        [
            "shape",
            "workload",
            "share % of limit",
            "aim",
            "by rate %",
            "in H",
            "store H",
            "p50 ms",
            "p99 ms",
            "p99.9 ms",
            "limit is",
        ],
    );
    for shape in Shape::ALL {
        for workload in Workload::ALL {
            row(&mut text, report, shape, workload);
        }
    }
    text.push_str("share: what a request costs at least, beside the processor time it did cost (platform and store)\n");
    text
}

fn line(text: &mut String, cells: [&str; 11]) {
    let [shape, workload, share, aim, rate, cost, store, p50, p99, p999, floor] = cells;
    // Writing to a string does not fail.
    let _ = writeln!(
        text,
        "{shape:<13} {workload:<19} {share:>16} {aim:>4} {rate:>14} {cost:>8} {store:>8} {p50:>8} {p99:>8} {p999:>9}  {floor}"
    );
}

fn row(text: &mut String, report: &Report, shape: Shape, workload: Workload) {
    let runs: Vec<(&Round, &Run)> = report.rounds.iter().flat_map(|round| of_one(round, shape, workload)).collect();
    let spread =
        |of: &dyn Fn(&Round, &Run) -> Option<f64>| Spread::of(runs.iter().filter_map(|(round, run)| of(round, run)));
    if runs.is_empty() {
        return;
    }
    let percent = |spread: Option<Spread>| spread.map_or_else(|| "-".to_owned(), |spread| spread.percent());
    let median = |spread: Option<Spread>| spread.map_or_else(|| "-".to_owned(), |s| format!("{:.2}", s.median));
    let parts: Vec<&str> = workload.floor().iter().map(|part| part.name()).collect();
    line(
        text,
        [
            shape.name(),
            workload.name(),
            &percent(spread(&|_, run| run.share)),
            &workload.target().map_or_else(|| "-".to_owned(), |target| format!("{:.0}", target * 100.0)),
            &percent(spread(&|_, run| run.share_of_rate)),
            &median(spread(&|round, run| Some(run.server_us / round.limits.post_us))),
            &median(spread(&|round, run| Some(run.store_us / round.limits.post_us))),
            &median(spread(&|_, run| Some(run.latencies.p50_ms))),
            &median(spread(&|_, run| Some(run.latencies.p99_ms))),
            &median(spread(&|_, run| Some(run.latencies.p999_ms))),
            &parts.join(" + "),
        ],
    );
}

fn of_one(round: &Round, shape: Shape, workload: Workload) -> Option<(&Round, &Run)> {
    let run = round.runs.iter().find(|run| run.shape == shape && run.workload == workload.name())?;
    Some((round, run))
}

/// The limits in units of one exchange, H.
fn limits(text: &mut String, report: &Report) {
    let median = |of: &dyn Fn(&Round) -> Option<f64>| {
        let spread = Spread::of(report.rounds.iter().filter_map(|round| Some(of(round)? / round.limits.post_us)));
        spread.map_or_else(|| "-".to_owned(), |spread| format!("{:.2}", spread.median))
    };
    let exchange = Spread::of(report.rounds.iter().map(|round| round.limits.post_us));
    let _ = writeln!(
        text,
        "H = {} us of processor time (POST); in H: GET {}, RS256 {} (verified {}), ES256 {}, EdDSA {}, argon2id {} (one core alone {}),\n\
         SQLite read {} commit {}, PostgreSQL read {} commit {}",
        exchange.map_or_else(|| "-".to_owned(), |spread| format!("{:.1}", spread.median)),
        median(&|round| Some(round.limits.get_us)),
        median(&|round| Some(round.limits.signing.rs256_us)),
        median(&|round| Some(round.limits.signing.rs256_verified_us)),
        median(&|round| Some(round.limits.signing.es256_us)),
        median(&|round| Some(round.limits.signing.eddsa_us)),
        median(&|round| Some(round.limits.hashing.all_cores_us)),
        median(&|round| Some(round.limits.hashing.alone_us)),
        median(&|round| Some(round.limits.stores.sqlite.read.cost_us())),
        median(&|round| Some(round.limits.stores.sqlite.commit.cost_us())),
        median(&|round| Some(round.limits.stores.postgres?.read.cost_us())),
        median(&|round| Some(round.limits.stores.postgres?.commit.cost_us())),
    );
}

/// Writes something to a file of the target folder.
///
/// # Errors
/// When it cannot be written.
pub fn write(name: &str, what: &impl Serialize) -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe()?;
    let target = this.ancestors().nth(3).context("benchmarks are in target/<profile>/deps")?;
    let file = target.join(name);
    std::fs::write(&file, serde_json::to_string_pretty(what)? + "\n")?;
    Ok(file)
}
