//! What a repository check found, in one form for all of them: a finding that does not say where
//! it is and how to mend it is not worth printing.

use std::fmt;

/// One broken rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The file, relative to the repository.
    pub file: String,
    /// The line, counted from one, where the rule is about one.
    pub line: Option<usize>,
    /// The name of the rule.
    pub rule: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub mend: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(out, "{}:{line}: ", self.file)?,
            None => write!(out, "{}: ", self.file)?,
        }
        write!(out, "[{}] {}\n    mend: {}", self.rule, self.message, self.mend)
    }
}

/// The result of one check.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How many things were compared.
    pub compared: usize,
    /// Those that broke a rule.
    pub findings: Vec<Finding>,
}

impl Outcome {
    /// Adds what another part of the same check found.
    pub fn absorb(&mut self, other: Self) {
        self.compared += other.compared;
        self.findings.extend(other.findings);
    }

    /// Whether every rule holds.
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// The findings and a closing line.
    pub fn describe(&self, name: &str) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            text.push_str(&format!("{finding}\n"));
        }
        let verdict = match self.findings.len() {
            0 => "ok".to_owned(),
            1 => "1 finding".to_owned(),
            count => format!("{count} findings"),
        };
        text.push_str(&format!("{name}: {verdict} ({} compared)\n", self.compared));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_names_file_line_rule_and_mend() {
        let finding = Finding {
            file: "services/auth/src/domain/user.rs".to_owned(),
            line: Some(3),
            rule: "layer-domain",
            message: "uses `sqlx::Row`".to_owned(),
            mend: "move it to store/".to_owned(),
        };
        assert_eq!(
            finding.to_string(),
            "services/auth/src/domain/user.rs:3: [layer-domain] uses `sqlx::Row`\n    mend: move it to store/"
        );
    }
}
