//! The table at the end of a test run and the plain line below it.

use std::time::Duration;

use super::counts::Counts;
use super::suites::Suite;

/// One suite's line.
#[derive(Debug)]
pub struct Row {
    suite: Suite,
    counts: Counts,
    elapsed: Duration,
    problem: Option<String>,
}

/// All of them.
#[derive(Debug, Default)]
pub struct Summary {
    rows: Vec<Row>,
}

impl Row {
    /// The line of a suite that ran; with a problem it has failed.
    pub fn new(suite: Suite, counts: Counts, elapsed: Duration, problem: Option<String>) -> Self {
        Self { suite, counts, elapsed, problem }
    }

    /// The line of a suite that an interruption kept from running.
    pub fn not_run(suite: Suite) -> Self {
        Self::new(suite, Counts::default(), Duration::ZERO, Some("not run: interrupted".to_owned()))
    }

    /// What to say when the suite ends.
    pub fn sentence(&self) -> String {
        let Counts { passed, failed, skipped } = self.counts;
        let counts = format!("{passed} passed, {failed} failed, {skipped} skipped");
        match &self.problem {
            None => format!("{}: ok, {counts}", self.suite.name()),
            Some(problem) => format!("{}: FAILED ({problem}), {counts}", self.suite.name()),
        }
    }
}

impl Summary {
    /// Adds a suite.
    pub fn add(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// Whether every suite that was to run passed.
    pub fn passed(&self) -> bool {
        self.rows.iter().all(|row| row.problem.is_none())
    }

    /// The table.
    pub fn table(&self) -> String {
        let mut text = format!(
            "{:<18} {:>7} {:>7} {:>8} {:>8}  {}\n",
            "suite", "passed", "failed", "skipped", "seconds", "result"
        );
        for row in &self.rows {
            let Counts { passed, failed, skipped } = row.counts;
            let seconds = row.elapsed.as_secs_f64();
            let result = match &row.problem {
                None => "ok".to_owned(),
                Some(problem) => format!("FAILED: {problem}"),
            };
            text.push_str(&format!(
                "{:<18} {passed:>7} {failed:>7} {skipped:>8} {seconds:>8.1}  {result}\n",
                row.suite.name()
            ));
        }
        text
    }

    /// The very last line: the tests as such, and how many suites hold.
    pub fn last_line(&self, elapsed: &str, left_out: Option<&str>) -> String {
        let mut total = Counts::default();
        for row in self.rows.iter().filter(|row| row.suite.counts_tests()) {
            total.add(row.counts);
        }
        let Counts { passed, failed, skipped } = total;
        let verdict = if self.passed() { "ok" } else { "FAILED" };
        let good = self.rows.iter().filter(|row| row.problem.is_none()).count();
        let left_out = left_out.map_or_else(String::new, |name| format!("; left out: {name}"));
        format!(
            "{verdict}: {passed} tests passed, {failed} failed, {skipped} skipped; {good} of {} suites ok in {elapsed}{left_out}",
            self.rows.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(failed: usize, problem: Option<&str>) -> Row {
        let counts = Counts { passed: 4, failed, skipped: 1 };
        Row::new(Suite::Nextest, counts, Duration::from_millis(1250), problem.map(str::to_owned))
    }

    #[test]
    fn all_green() {
        let mut summary = Summary::default();
        summary.add(row(0, None));
        let comparisons = Counts { passed: 70, ..Counts::default() };
        summary.add(Row::new(Suite::Card, comparisons, Duration::ZERO, None));
        assert!(summary.passed());
        assert_eq!(
            summary.last_line("0:03", None),
            "ok: 4 tests passed, 0 failed, 1 skipped; 2 of 2 suites ok in 0:03"
        );
        assert!(summary.table().contains("tests                    4       0        1      1.2  ok"));
    }

    #[test]
    fn one_red_suite_is_a_failure() {
        let mut summary = Summary::default();
        summary.add(row(2, Some("exit status: 100")));
        summary.add(Row::not_run(Suite::Card));
        assert!(!summary.passed());
        assert_eq!(
            summary.last_line("0:03", Some("PostgreSQL")),
            "FAILED: 4 tests passed, 2 failed, 1 skipped; 0 of 2 suites ok in 0:03; left out: PostgreSQL"
        );
    }
}
