//! What outlives a process: its data, and where it listens.

use std::fs::{File, OpenOptions};
use std::net::TcpListener;
use std::path::{Path, PathBuf};

use rand::RngExt as _;
use tempfile::TempDir;

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

    pub(crate) fn log_file(&self) -> File {
        OpenOptions::new().create(true).append(true).open(self.log_path()).expect("a log file")
    }

    fn log_path(&self) -> PathBuf {
        Path::new(self.folder.path()).join("log")
    }
}

/// A free port below those that the system gives to outgoing connections, so that it is still free after a restart.
#[expect(clippy::disallowed_methods, reason = "tests that run at the same time must draw different ports")]
fn free_port() -> u16 {
    let mut random = rand::rng();
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let mut drawn = std::iter::repeat_with(|| random.random_range(15_000..32_000)).take(1000);
    drawn.find(is_free).expect("one of a thousand ports is free")
}
