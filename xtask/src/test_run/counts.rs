//! How many tests passed, read from the closing lines of the test runners.

/// What a suite came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Tests or comparisons that hold.
    pub passed: usize,
    /// Those that do not.
    pub failed: usize,
    /// Those that did not run.
    pub skipped: usize,
}

impl Counts {
    /// Whether nothing ran at all.
    pub fn is_empty(self) -> bool {
        self.passed + self.failed == 0
    }

    /// Adds another suite's.
    pub fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }

    /// Takes in a line of cargo-nextest, such as
    /// `Summary [ 0.2s] 3 tests run: 2 passed (1 slow), 1 timed out, 0 skipped`.
    pub fn read_nextest(&mut self, line: &str) {
        let Some((_, parts)) = line.trim_start().strip_prefix("Summary [").and_then(|rest| rest.split_once(" run: "))
        else {
            return;
        };
        let mut counts = Self::default();
        for part in without_parentheses(parts).split(',') {
            let Some((number, what)) = part.trim().split_once(' ') else {
                continue;
            };
            let number: usize = number.parse().unwrap_or(0);
            match what.trim() {
                "passed" => counts.passed += number,
                "skipped" => counts.skipped += number,
                _ => counts.failed += number,
            }
        }
        *self = counts;
    }

    /// Takes in a line of the built-in runner, one for each test program, such as
    /// `test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s`.
    pub fn read_built_in(&mut self, line: &str) {
        let Some((_, parts)) = line.strip_prefix("test result: ").and_then(|rest| rest.split_once(". ")) else {
            return;
        };
        for part in parts.split(';') {
            let Some((number, what)) = part.trim().split_once(' ') else {
                continue;
            };
            let number: usize = number.parse().unwrap_or(0);
            match what {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                "ignored" | "filtered out" => self.skipped += number,
                _ => {}
            }
        }
    }
}

fn without_parentheses(text: &str) -> String {
    let mut depth = 0_usize;
    text.chars()
        .filter(|character| {
            match character {
                '(' => depth += 1,
                ')' => {
                    depth = depth.saturating_sub(1);
                    return false;
                }
                _ => {}
            }
            depth == 0
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nextest_lines_are_read() {
        let mut counts = Counts::default();
        counts.read_nextest("        PASS [   0.008s] (1/41) xtask a");
        assert!(counts.is_empty());
        counts.read_nextest("     Summary [   0.198s] 41 tests run: 41 passed, 0 skipped");
        assert_eq!(counts, Counts { passed: 41, failed: 0, skipped: 0 });
        counts.read_nextest(
            "     Summary [   9.1s] 7/10 tests run: 4 passed (1 slow, 1 flaky), 1 failed, 1 exec failed, 1 timed out, 3 skipped",
        );
        assert_eq!(counts, Counts { passed: 4, failed: 3, skipped: 3 });
    }

    #[test]
    fn built_in_lines_are_summed() {
        let mut counts = Counts::default();
        counts.read_built_in("test a ... ok");
        counts.read_built_in(
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s",
        );
        counts.read_built_in(
            "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 4 filtered out; finished in 0.00s",
        );
        assert_eq!(counts, Counts { passed: 4, failed: 2, skipped: 5 });
    }
}
