//! A platform of the demo's own: free ports, a temporary folder, gone at the end.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};

use super::walk::Walk;
use crate::process;
use crate::workspace::Workspace;

/// How often a starting platform is asked whether it is there, and how many times.
const ASK_EVERY: Duration = Duration::from_millis(100);
const ASK_TIMES: u32 = 600;

/// The running program. It ends, and its folder goes, when this is dropped.
pub struct Platform {
    child: Mutex<Child>,
    folder: PathBuf,
    origin: String,
}

impl Platform {
    /// Builds the program and starts it.
    pub fn start(workspace: &Workspace) -> anyhow::Result<Self> {
        let built = process::cargo()
            .current_dir(&workspace.root)
            .args(["build", "--quiet", "--locked", "--package", "tessera-standalone", "--bin", "tessera"])
            .status()
            .context("cargo build did not start")?;
        ensure!(built.success(), "the program `tessera` does not build");
        // Cargo puts the programs of a workspace side by side.
        let program = env::current_exe()?.with_file_name(format!("tessera{}", env::consts::EXE_SUFFIX));
        let folder = env::temp_dir().join(format!("tessera-demo-{}", std::process::id()));
        fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let [port, internal_port] = free_ports()?;

        let mut command = Command::new(&program);
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TESSERA_")) {
            command.env_remove(name);
        }
        let child = command
            .args(["serve", "--port", &port.to_string(), "--data-dir"])
            .arg(folder.join("data"))
            .env("TESSERA_INTERNAL_PORT", internal_port.to_string())
            .env("TESSERA_SERVICE_PORTS", "false")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .with_context(|| format!("{} did not start", program.display()))?;
        Ok(Self { child: Mutex::new(child), folder, origin: format!("http://localhost:{port}") })
    }

    /// Where it answers.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Waits until it answers.
    pub async fn wait_for(&self, walk: &Walk) -> anyhow::Result<()> {
        for _ in 0..ASK_TIMES {
            if walk.is_tessera().await {
                return Ok(());
            }
            ensure!(!process::interrupted(), "interrupted");
            let ended = self.child.lock().unwrap_or_else(PoisonError::into_inner).try_wait()?;
            if let Some(status) = ended {
                bail!("the program `tessera` ended ({status}) before it served");
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
        bail!("the program `tessera` does not answer at {}", self.origin)
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(child.kill().and_then(|()| child.wait()));
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// Two ports that were free a moment ago.
fn free_ports() -> anyhow::Result<[u16; 2]> {
    let (first, second) = (TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?);
    Ok([first.local_addr()?.port(), second.local_addr()?.port()])
}
