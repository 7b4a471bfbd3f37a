//! The architecture as a test: which crate may depend on which, and what each folder of a service
//! may name. The rules themselves are the committed file that [`crate::rulebook`] reads.

mod edges;
mod layers;
mod sql;

use crate::report::Outcome;
use crate::rulebook::Rulebook;
use crate::workspace::Workspace;

/// Checks crate edges, layers and the places of SQL statements.
pub fn check(workspace: &Workspace, rulebook: &Rulebook) -> anyhow::Result<Outcome> {
    let mut outcome = edges::check(workspace, rulebook);
    for package in &workspace.packages {
        let sources = package.sources(workspace)?;
        let libraries = package.library_names();
        for source in &sources {
            if package.is_service(workspace) {
                outcome.findings.extend(layers::check(source, &libraries, &rulebook.layers));
            }
            outcome.findings.extend(sql::check(source, &rulebook.sql));
        }
        outcome.compared += sources.len();
    }
    Ok(outcome)
}
