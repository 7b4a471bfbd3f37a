//! The generated files that are committed: they are rewritten by one command, and a check fails
//! when one of them differs from what its source would give now.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use crate::process;
use crate::report::{Finding, Outcome};
use crate::workspace::Workspace;

/// The folders whose files the program itself writes.
const MADE: [Made; 2] = [
    Made { folder: "docs/api", verb: "openapi", extension: "json" },
    Made { folder: "deploy/gateway", verb: "gateway", extension: "conf" },
];
/// Set for the tests of `tessera-contracts`, it makes them rewrite the events' descriptor set.
const UPDATE: &str = "TESSERA_UPDATE";

/// A folder whose files the program itself writes.
#[derive(Clone, Copy)]
struct Made {
    /// Where they are committed.
    folder: &'static str,
    /// What the program is asked.
    verb: &'static str,
    /// How their names end: other files there are nobody's business here.
    extension: &'static str,
}

/// How much a check repeats.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All generated files.
    Everything,
    /// Those that no test compares already: for a caller that runs the tests itself.
    BesidesTests,
}

/// Rewrites every generated file.
pub fn write(workspace: &Workspace) -> anyhow::Result<()> {
    println!("generate: the events' descriptor set");
    contract_tests(workspace, true)?;
    MADE.iter().try_for_each(|made| rewrite(workspace, *made))
}

fn rewrite(workspace: &Workspace, made: Made) -> anyhow::Result<()> {
    println!("generate: {}", made.folder);
    let folder = workspace.root.join(made.folder);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let fresh = fresh(workspace, made)?;
    for stale in files(&folder, made)?.keys().filter(|name| !fresh.contains_key(*name)) {
        fs::remove_file(folder.join(stale)).with_context(|| format!("cannot remove {stale}"))?;
    }
    for (name, content) in &fresh {
        fs::write(folder.join(name), content).with_context(|| format!("cannot write {name}"))?;
    }
    Ok(())
}

/// Compares every generated file with a fresh one and changes nothing.
pub fn check(workspace: &Workspace, scope: Scope) -> anyhow::Result<Outcome> {
    let mut outcome = Outcome::default();
    for made in MADE {
        let committed = files(&workspace.root.join(made.folder), made)?;
        outcome.absorb(compare(made.folder, &committed, &fresh(workspace, made)?));
    }
    if scope == Scope::Everything {
        outcome.compared += 1;
        if contract_tests(workspace, false).is_err() {
            outcome.findings.push(drift(
                "proto",
                "the tests of tessera-contracts fail; they compare the events' descriptor set".to_owned(),
            ));
        }
    }
    Ok(outcome)
}

/// The first file of a folder that differs is reported: mending one mends all.
fn compare(folder: &str, committed: &BTreeMap<String, Vec<u8>>, fresh: &BTreeMap<String, Vec<u8>>) -> Outcome {
    let mut names: Vec<&String> = committed.keys().chain(fresh.keys()).collect();
    names.sort();
    names.dedup();
    let first = names.iter().find_map(|name| {
        let problem = match (committed.get(*name), fresh.get(*name)) {
            (Some(old), Some(new)) if old == new => return None,
            (Some(_), Some(_)) => "it differs from what the code gives now",
            (None, _) => "it is generated but not committed",
            (_, None) => "it is committed but no longer generated",
        };
        Some(drift(&format!("{folder}/{name}"), problem.to_owned()))
    });
    Outcome { compared: names.len(), findings: first.into_iter().collect() }
}

fn drift(file: &str, message: String) -> Finding {
    Finding { file: file.to_owned(), line: None, rule: "drift", message, mend: "run make generate".to_owned() }
}

/// The files as the program gives them now.
fn fresh(workspace: &Workspace, made: Made) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let verb = made.verb;
    let folder = TemporaryFolder::new(verb)?;
    let status = process::cargo()
        .current_dir(&workspace.root)
        .args(["run", "--quiet", "--locked", "--package", "tessera-standalone", "--bin", "tessera"])
        .args(["--", verb, "--out"])
        .arg(&folder.path)
        .status()
        .context("cargo run did not start")?;
    ensure!(status.success(), "`tessera {verb}` failed ({status})");
    let found = files(&folder.path, made)?;
    ensure!(!found.is_empty(), "`tessera {verb}` wrote nothing");
    Ok(found)
}

/// The files of a folder by name; none if there is no such folder.
fn files(folder: &Path, made: Made) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    if !folder.is_dir() {
        return Ok(found);
    }
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == made.extension) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            found.insert(name, fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?);
        }
    }
    Ok(found)
}

/// Runs the tests that compare, or with `update` rewrite, the events' descriptor set.
fn contract_tests(workspace: &Workspace, update: bool) -> anyhow::Result<()> {
    let mut command = process::cargo();
    command.current_dir(&workspace.root).args(["test", "--locked", "--package", "tessera-contracts"]);
    if update {
        command.env(UPDATE, "1");
    } else {
        command.env_remove(UPDATE);
    }
    let status = command.status().context("cargo test did not start")?;
    ensure!(status.success(), "the tests of tessera-contracts failed ({status})");
    Ok(())
}

/// A folder of this process that goes away with it.
struct TemporaryFolder {
    path: PathBuf,
}

impl TemporaryFolder {
    fn new(verb: &str) -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(format!("tessera-{verb}-{}", std::process::id()));
        fs::create_dir(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self { path })
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(list: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
        list.iter().map(|(name, text)| ((*name).to_owned(), text.as_bytes().to_vec())).collect()
    }

    #[test]
    fn equal_files_are_green() {
        let same = named(&[("auth.json", "{}"), ("verify.json", "[]")]);
        let outcome = compare("docs/api", &same, &same);
        assert!(outcome.is_clean());
        assert_eq!(outcome.compared, 2);
    }

    #[test]
    fn the_first_file_that_differs_is_named() {
        let fresh = named(&[("auth.json", "{}"), ("verify.json", "[]")]);
        for (committed, name) in [
            (named(&[("auth.json", "{}"), ("verify.json", "[1]")]), "docs/api/verify.json"),
            (named(&[("auth.json", "{}")]), "docs/api/verify.json"),
            (named(&[("auth.json", "{}"), ("old.json", ""), ("verify.json", "[]")]), "docs/api/old.json"),
        ] {
            let outcome = compare("docs/api", &committed, &fresh);
            assert_eq!(outcome.findings.len(), 1);
            assert_eq!(outcome.findings[0].file, name);
            assert_eq!(outcome.findings[0].mend, "run make generate");
        }
    }
}
