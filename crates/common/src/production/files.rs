//! Files that everybody on the machine can get at.

use std::path::{Display, Path, PathBuf};

use super::{ProductionFacts, Refusal};

/// A file that a setting names.
#[derive(Clone, Debug)]
pub struct FileFacts {
    /// The setting.
    pub setting: String,
    /// Where it is.
    pub path: PathBuf,
    /// Its permissions, as in `0o600`.
    pub mode: u32,
}

impl FileFacts {
    /// Looks at a file; `None` where it is not there, which whoever reads it tells, or has no such permissions.
    #[must_use]
    pub fn look(setting: &str, path: &Path) -> Option<Self> {
        Some(Self { setting: setting.to_owned(), path: path.to_owned(), mode: mode(path)? })
    }

    fn refuse(&self, what: &str, mend: impl FnOnce(Display<'_>) -> String) -> Refusal {
        let path = self.path.display();
        let problem = format!("everybody on the machine can {what} {path} (mode {:03o})", self.mode & 0o777);
        Refusal::new(&self.setting, problem, mend(path))
    }
}

#[cfg(unix)]
fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(path.metadata().ok()?.permissions().mode())
}

#[cfg(not(unix))]
fn mode(_: &Path) -> Option<u32> {
    None
}

pub(super) fn refusals(facts: &ProductionFacts) -> Vec<Refusal> {
    let secrets = facts.secret_files.iter().filter(|file| file.mode & 0o007 != 0);
    let secrets =
        secrets.map(|file| file.refuse("get at", |path| format!("chmod 600 {path}, or 640 for a group of its own")));
    let trust = facts.trust_files.iter().filter(|file| file.mode & 0o002 != 0);
    secrets.chain(trust.map(|file| file.refuse("write", |path| format!("chmod 644 {path}")))).collect()
}
