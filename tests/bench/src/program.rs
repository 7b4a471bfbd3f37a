//! A program that runs as a process of its own.

use std::fs::OpenOptions;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

use crate::http::{Connection, Request};
use crate::stopwatch::Stopwatch;

/// How long a program may take to answer, and to end.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often one that does not listen yet is asked.
const ASK_EVERY: Duration = Duration::from_millis(1);

/// A running program. It is killed when this is dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
    log: PathBuf,
    started: Stopwatch,
}

/// Where the programs of this build are: beside this one's folder.
///
/// # Errors
/// When this one is somewhere else.
pub fn built(name: &str) -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe()?;
    let folder = this.ancestors().nth(2).context("benchmarks are in target/<profile>/deps")?;
    let program = folder.join(name);
    ensure!(program.is_file(), "{} is missing: run `cargo build --release --workspace --bins`", program.display());
    Ok(program)
}

/// A port that was free a moment ago.
///
/// # Errors
/// When there is none.
pub fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}

impl Program {
    /// Starts one with these settings and none of whoever runs this; what it says is added to `log`.
    ///
    /// # Errors
    /// When it cannot be run.
    pub fn start(path: &Path, arguments: &[&str], settings: &[(String, String)], log: &Path) -> anyhow::Result<Self> {
        let mut command = Command::new(path);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TESSERA_")) {
            command.env_remove(name);
        }
        let file = OpenOptions::new().create(true).append(true).open(log)?;
        command.args(arguments).envs(settings.iter().cloned());
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
        let started = Stopwatch::start();
        let child = command.spawn().with_context(|| format!("{} did not start", path.display()))?;
        Ok(Self { child, log: log.to_owned(), started })
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it answers 200 at a path; the time from its start.
    ///
    /// # Errors
    /// When it ends before, or does not.
    pub async fn answers(&mut self, port: u16, path: &str) -> anyhow::Result<Duration> {
        let request = Request::get(path, &[]);
        while self.started.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait()? {
                bail!("the program ended ({status}):\n{}", self.said());
            }
            // It listens before it serves: the first request may wait, and is answered at the first moment.
            if let Ok(mut connection) = Connection::open(port).await
                && connection.exchange(&request).await.is_ok_and(|answer| answer.status == 200)
            {
                return Ok(self.started.elapsed());
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
        bail!("no 200 at {path} of port {port}:\n{}", self.said())
    }

    /// Asks it to end and waits until it has.
    ///
    /// # Errors
    /// When it does not.
    pub async fn end(mut self) -> anyhow::Result<()> {
        let asked = Command::new("kill").args(["-TERM", &self.id().to_string()]).status()?;
        ensure!(asked.success(), "the program ended before it was asked to:\n{}", self.said());
        let begun = Stopwatch::start();
        while self.child.try_wait()?.is_none() {
            ensure!(begun.elapsed() < PATIENCE, "the program does not end");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
