//! What outlives a process: its data, and where it listens.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::ports::free_port;

/// A data folder with two ports that belong to it, so that a program started on it again has the same origin.
#[derive(Debug)]
pub struct DataFolder {
    folder: TempDir,
    port: u16,
    internal_port: u16,
}

impl DataFolder {
    /// An empty folder; it is removed with this value.
    ///
    /// # Panics
    /// When there is no place for it.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "it makes a folder: no value to fall back to")]
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder, port: free_port(), internal_port: free_port() }
    }

    /// Where the program keeps its data.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The public port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    /// The internal port.
    #[must_use]
    pub const fn internal_port(&self) -> u16 {
        self.internal_port
    }

    /// What the programs on this folder have said so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    pub(crate) fn log_path(&self) -> PathBuf {
        Path::new(self.folder.path()).join("log")
    }
}
