//! What a process is for: the one setting that others take their defaults from.

use serde::Deserialize;

/// What a process is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// A person's own machine.
    Dev,
    /// Others' accounts.
    Production,
}
