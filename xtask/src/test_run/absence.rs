//! What a test run has to leave out.

use std::fmt;

/// A server or a tool that is not there: why, and how to get it.
#[derive(Debug)]
pub struct Absence {
    /// Its name.
    pub name: &'static str,
    /// What that means for the tests.
    pub without: &'static str,
    /// Why.
    pub reasons: Vec<String>,
    /// One command that gets it.
    pub remedy: &'static str,
}

impl Absence {
    /// One line about it.
    pub fn sentence(&self) -> String {
        format!("left out ({})", self.reasons.join("; "))
    }
}

impl fmt::Display for Absence {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "left out: {} ({})", self.name, self.without)?;
        for reason in &self.reasons {
            writeln!(out, "    because {reason}")?;
        }
        writeln!(out, "    get it with: {}", self.remedy)
    }
}
