//! Where the programs are.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;

use crate::services::Service;

const WORKSPACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// A program of the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// All services in one.
    AllInOne,
    /// One service.
    Of(Service),
}

impl Program {
    const ALL: [Self; 5] = [
        Self::AllInOne,
        Self::Of(Service::Auth),
        Self::Of(Service::Sessions),
        Self::Of(Service::Verify),
        Self::Of(Service::OAuth),
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::AllInOne => "tessera",
            Self::Of(Service::Auth) => "tessera-auth",
            Self::Of(Service::Sessions) => "tessera-sessions",
            Self::Of(Service::Verify) => "tessera-verify",
            Self::Of(Service::OAuth) => "tessera-oauth",
        }
    }

    /// It, with none of the settings of whoever runs the tests.
    #[must_use]
    pub fn command(self) -> Command {
        let mut command = Command::new(self.path());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TESSERA_")) {
            command.env_remove(name);
        }
        command
    }

    /// It, as the sources are now. Cargo puts the programs beside the tests of the whole workspace; for those of this crate alone they
    /// are built here, all at once and with the features that the workspace has.
    pub(crate) fn path(self) -> PathBuf {
        static FOLDER: OnceLock<PathBuf> = OnceLock::new();
        let folder = FOLDER.get_or_init(|| {
            let test = std::env::current_exe().expect("this program has a path");
            let folder = test.ancestors().nth(2).expect("tests are in target/<profile>/deps");
            let lock = File::create(folder.join("tessera.lock")).expect("a lock file");
            lock.lock().expect("locked");
            if !Self::ALL.iter().all(|program| is_fresh(&folder.join(program.name()))) {
                build(folder);
            }
            folder.to_owned()
        });
        folder.join(self.name())
    }
}

/// Whether it was made from the sources of this workspace and none of them is newer: an old program would pass for the new one.
fn is_fresh(program: &Path) -> bool {
    let (Some(made), Ok(rule)) = (modified(program), std::fs::read_to_string(program.with_extension("d"))) else {
        return false;
    };
    let Some((_, sources)) = rule.split_once(": ") else { return false };
    let sources: Vec<PathBuf> =
        sources.replace("\\ ", "\0").split_whitespace().map(|source| source.replace('\0', " ").into()).collect();
    let services = Path::new(WORKSPACE).join("services");
    let is_ours =
        services.canonicalize().is_ok_and(|services| sources.iter().any(|source| source.starts_with(&services)));
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
        .args(["build", "--locked", "--workspace", "--bins", "--profile", profile])
        .arg("--target-dir")
        .arg(target)
        .current_dir(WORKSPACE)
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the programs cannot be built: {status}");
}
