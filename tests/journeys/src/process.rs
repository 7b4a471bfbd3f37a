//! A process that was started here.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::eventually;

/// How long a process may take to be ready, and to end: much longer than it does, for the machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A running process; what it says goes to a log file. It is killed when this is dropped.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a command. Its output is appended to `log`.
    ///
    /// # Panics
    /// When it cannot be run.
    #[must_use]
    pub fn start(name: &str, command: &mut Command, log: &Path) -> Self {
        let child = command.stdin(Stdio::null()).stdout(appending(log)).stderr(appending(log)).spawn();
        let child = child.unwrap_or_else(|error| panic!("{name} cannot be run ({error}): {command:?}"));
        Self { name: name.to_owned(), child, log: log.to_owned() }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it and those before it on the same log have said so far.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until `look` sees what it is to show, which may take a minute on a busy machine.
    ///
    /// # Panics
    /// When it has ended or does not show it in time; with what it said.
    pub async fn ready(&mut self, what: &str, mut look: impl AsyncFnMut() -> bool) {
        let waiting = async {
            loop {
                if let Some(status) = self.child.try_wait().expect("its status") {
                    panic!("{} has ended with {status}:\n{}", self.name, self.log());
                }
                if look().await {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(2 * PATIENCE, waiting).await.is_err() {
            panic!("{} is not {what}:\n{}", self.name, self.log());
        }
    }

    /// Whether it still runs.
    ///
    /// # Panics
    /// When nobody can tell.
    #[must_use]
    pub fn runs(&mut self) -> bool {
        self.child.try_wait().expect("its status").is_none()
    }

    /// Ends it as a crash would, at once.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn kill9(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("its status");
    }

    /// Sends it a signal, named as `kill` does: `TERM`.
    ///
    /// # Panics
    /// When it has ended before.
    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").arg(format!("-{signal}")).arg(self.child.id().to_string()).status();
        assert!(sent.expect("kill can be run").success(), "{} has ended before {signal}", self.name);
    }

    /// Sends it a signal that ends it, and waits until it has.
    ///
    /// # Panics
    /// When it does not end.
    pub async fn end_by(&mut self, signal: &str) -> ExitStatus {
        self.signal(signal);
        let what = format!("the end of {} by {signal}", self.name);
        eventually(&what, PATIENCE, async || self.child.try_wait().expect("its status")).await
    }

    /// Sends it a signal that ends it and waits, for a drop: afterwards it is gone, by a kill if need be.
    pub(crate) fn stop_by(&mut self, signal: &str) {
        let asked = self.runs()
            && Command::new("kill").arg(format!("-{signal}")).arg(self.child.id().to_string()).status().is_ok();
        for _ in 0..500 {
            if !asked || !self.runs() {
                break;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How a program ended, and what it said.
#[derive(Clone, Debug)]
pub struct Ended {
    /// Its status.
    pub status: ExitStatus,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

/// Runs a command until it ends by itself.
///
/// # Panics
/// When it does not end.
pub async fn ended(mut command: Command) -> Ended {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("it cannot be run ({error}): {command:?}"));
    let ended = tokio::time::timeout(PATIENCE, async {
        while child.try_wait().expect("its status").is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    if ended.await.is_err() {
        child.kill().expect("killed");
        panic!("{command:?} has not ended: {:?}", child.wait_with_output());
    }
    let output = child.wait_with_output().expect("its output");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    Ended { status: output.status, stdout: text(output.stdout), stderr: text(output.stderr) }
}

fn appending(log: &Path) -> File {
    OpenOptions::new().create(true).append(true).open(log).expect("a log file")
}
