//! Where the program is.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// `tessera` as the sources are now. Cargo puts it beside the tests of the whole workspace; for those of this crate alone it is built
/// here.
pub fn path() -> &'static Path {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let test = std::env::current_exe().expect("this program has a path");
        let folder = test.ancestors().nth(2).expect("tests are in target/<profile>/deps");
        let program = folder.join("tessera");
        let lock = File::create(folder.join("tessera.lock")).expect("a lock file");
        lock.lock().expect("locked");
        if !is_fresh(&program) {
            build(folder);
        }
        program
    })
}

/// Whether it was made from the sources of this workspace and none of them is newer: an old program would pass for the new one.
fn is_fresh(program: &Path) -> bool {
    let (Some(made), Ok(rule)) = (modified(program), std::fs::read_to_string(program.with_extension("d"))) else {
        return false;
    };
    let Some((_, sources)) = rule.split_once(": ") else { return false };
    let sources: Vec<PathBuf> =
        sources.replace("\\ ", "\0").split_whitespace().map(|source| source.replace('\0', " ").into()).collect();
    let main = Path::new(WORKSPACE).join("services/standalone/src/main.rs");
    let is_ours = main.canonicalize().is_ok_and(|main| sources.contains(&main));
    is_ours && sources.iter().all(|source| modified(source).is_some_and(|changed| changed <= made))
}

fn modified(file: &Path) -> Option<SystemTime> {
    file.metadata().and_then(|metadata| metadata.modified()).ok()
}

fn build(folder: &Path) {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") | None => "dev",
        Some(profile) => profile,
    };
    let target = folder.parent().expect("a profile's folder is in target");
    let status = Command::new(cargo)
        .args(["build", "--locked", "--package", "tessera-standalone", "--bin", "tessera", "--profile", profile])
        .arg("--target-dir")
        .arg(target)
        .current_dir(WORKSPACE)
        .status()
        .expect("cargo runs");
    assert!(status.success(), "tessera cannot be built: {status}");
}
