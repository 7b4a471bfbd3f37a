//! Where an engine's programs are, whom they run as, and its folder.

use std::ffi::OsStr;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// The folder of one engine, and the account it runs as. The folder is removed with this value.
#[derive(Debug)]
pub struct Installation {
    programs: PathBuf,
    folder: TempDir,
    /// User and group, where the tests run as root: the engines refuse that, or should.
    account: Option<(u32, u32)>,
}

impl Installation {
    /// Finds `programs` in one of the usual folders or the search path. `None`, with a line about it, where they are not installed:
    /// what needs them is left out.
    pub fn of(programs: &[&str], package: &str, usual: &[&str], account: &str) -> Option<Self> {
        let search_path = std::env::var_os("PATH").unwrap_or_default();
        let folders = usual.iter().flat_map(|folder| versions(folder)).chain(std::env::split_paths(&search_path));
        let has_all = |folder: &PathBuf| programs.iter().all(|program| folder.join(program).is_file());
        let Some(found) = folders.into_iter().find(has_all) else {
            eprintln!("left out: {} not found (Debian: apt-get install {package})", programs.join(", "));
            return None;
        };
        let folder = tempfile::Builder::new().prefix("tessera-engine-").tempdir().expect("a temporary folder");
        let account = (id(&["-u"]) == Some(0)).then(|| {
            let of = |flag| id(&[flag, account]).unwrap_or_else(|| panic!("no account `{account}`: {package} has it"));
            (of("-u"), of("-g"))
        });
        let installation = Self { programs: found, folder, account };
        installation.give(installation.folder());
        Some(installation)
    }

    /// Where the engine keeps everything.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Its log.
    pub fn log(&self) -> PathBuf {
        self.folder().join("log")
    }

    /// Writes a file of the engine, which only its account may read.
    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let file = self.folder().join(name);
        std::fs::write(&file, text).expect("a file");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).expect("its mode");
        self.give(&file);
        file
    }

    /// One of the programs, run as the engine's account, in its folder and with nothing of whoever runs the tests.
    pub fn command(&self, program: &str) -> Command {
        self.run(self.programs.join(program))
    }

    /// As [`Installation::command`], with a program of the search path.
    pub fn run(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.folder()).env_clear().env("HOME", self.folder());
        command.env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C.UTF-8");
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        command
    }

    fn give(&self, path: &Path) {
        if let Some((user, group)) = self.account {
            chown(path, Some(user), Some(group)).expect("its owner");
        }
    }
}

/// A folder, or for one with a `*` those that it stands for, the newest version first.
fn versions(folder: &str) -> Vec<PathBuf> {
    let Some((parent, rest)) = folder.split_once("/*/") else { return vec![folder.into()] };
    let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
    let numbered = entries.filter_map(|entry| Some((entry.file_name().to_str()?.parse::<u32>().ok()?, entry.path())));
    let mut found: Vec<(u32, PathBuf)> = numbered.collect();
    found.sort();
    found.into_iter().rev().map(|(_, folder)| folder.join(rest)).collect()
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().expect("id can be run");
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_needs_a_program_that_is_not_installed_is_left_out() {
        assert!(Installation::of(&["no-such-program"], "nonsense", &[], "nobody").is_none());
    }

    #[test]
    fn the_newest_version_comes_first() {
        let parent = tempfile::tempdir().expect("a folder");
        for version in ["9", "15", "16", "common"] {
            std::fs::create_dir_all(parent.path().join(version).join("bin")).expect("a folder");
        }
        let found = versions(&format!("{}/*/bin", parent.path().display()));
        assert_eq!(found, ["16", "15", "9"].map(|version| parent.path().join(version).join("bin")));
    }
}
