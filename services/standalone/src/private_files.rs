//! Folders and files that only their owner reads.

use std::fs::{File, OpenOptions};
use std::path::Path;

/// Makes a folder, and what it is in, where they are not there yet.
///
/// # Errors
/// When it cannot be made.
#[cfg(unix)]
pub fn create_dir(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Makes a folder, and what it is in, where they are not there yet.
///
/// # Errors
/// When it cannot be made.
#[cfg(not(unix))]
pub fn create_dir(path: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(path)
}

/// Opens a file to write to its end, making it where it is not there yet.
///
/// # Errors
/// When it cannot be opened.
#[cfg(unix)]
pub fn open(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

/// Opens a file to write to its end, making it where it is not there yet.
///
/// # Errors
/// When it cannot be opened.
#[cfg(not(unix))]
pub fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().create(true).append(true).open(path)
}

/// Makes a file that is not there yet.
///
/// # Errors
/// When it is there.
#[cfg(unix)]
pub fn create_new(path: &Path) -> std::io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    OpenOptions::new().create_new(true).write(true).mode(0o600).open(path)
}

/// Makes a file that is not there yet.
///
/// # Errors
/// When it is there.
#[cfg(not(unix))]
pub fn create_new(path: &Path) -> std::io::Result<File> {
    File::create_new(path)
}

/// Gives a file away.
///
/// # Errors
/// When it is not this process's to give.
#[cfg(unix)]
pub fn give_to(path: &Path, user: u32, group: u32) -> std::io::Result<()> {
    std::os::unix::fs::chown(path, Some(user), Some(group))
}

/// Gives a file away, which this system has no way to do.
///
/// # Errors
/// Always.
#[cfg(not(unix))]
pub fn give_to(_: &Path, _: u32, _: u32) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}
