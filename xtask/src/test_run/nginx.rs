//! Whether the tests can run the gateway's configuration: they need an nginx on this machine.

use std::process::Command;

use super::absence::Absence;
use crate::process;

/// Where it is looked for, as the tests do.
const PROGRAMS: [&str; 2] = ["nginx", "/usr/sbin/nginx"];

/// What was found.
#[derive(Debug)]
pub enum Nginx {
    /// This program.
    Given(&'static str),
    /// None.
    Absent(Absence),
}

impl Nginx {
    /// Looks for it.
    pub fn find() -> Self {
        match PROGRAMS.into_iter().find(|program| process::answers(Command::new(program).arg("-v"))) {
            Some(program) => Self::Given(program),
            None => Self::Absent(Absence {
                name: "nginx",
                without: "the gateway's configuration is not run",
                reasons: vec!["there is no nginx on this machine".to_owned()],
                remedy: "apt-get install nginx (or your system's package), and stop what it starts",
            }),
        }
    }

    /// One line about it.
    pub fn describe(&self) -> String {
        match self {
            Self::Given(program) => (*program).to_owned(),
            Self::Absent(absence) => absence.sentence(),
        }
    }

    /// Why there is none, if so.
    pub fn absence(&self) -> Option<&Absence> {
        match self {
            Self::Given(_) => None,
            Self::Absent(absence) => Some(absence),
        }
    }
}
