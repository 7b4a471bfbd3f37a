//! Walks the journey of the README, against a platform that runs already or one of its own, and prints
//! each request and its answer for a person.

mod journey;
mod platform;
mod show;
mod walk;

use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::Method;

use crate::process;
use crate::workspace::Workspace;
use platform::Platform;
use walk::Walk;

/// Where `make run` serves.
const DEFAULT_ORIGIN: &str = "http://localhost:8000";

/// How long a platform that was started may take until it answers.
const PATIENCE: u32 = 60;

/// Waits for a platform behind a gateway, walks the journey there, and sees that nothing internal is reached.
pub fn walk_when_ready(origin: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(async {
        let mut walk = Walk::to(origin)?;
        let mut asked = 0;
        while !walk.is_tessera().await {
            ensure!(!process::interrupted(), "interrupted");
            ensure!(asked < PATIENCE, "nothing answers at {origin} after {PATIENCE} seconds");
            asked += 1;
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        journey::walk(&mut walk).await?;
        for path in ["/health/ready", "/metrics", "/internal/sessions/cut", "/admin/clients"] {
            let request = walk.request(Method::GET, path);
            walk.step("Nothing internal is reached through the gateway.", request, 404).await?;
        }
        Ok(())
    })
}

/// Walks the journey at `origin`. Without one: at the default origin if Tessera runs there, else on a
/// platform that is started for it and removed afterwards.
pub fn run(workspace: &Workspace, origin: Option<&str>) -> anyhow::Result<bool> {
    process::catch_interrupts()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start")?;
    runtime.block_on(async {
        let mut walk = Walk::to(origin.unwrap_or(DEFAULT_ORIGIN))?;
        let is_there = walk.is_tessera().await;
        ensure!(is_there || origin.is_none(), "nothing that looks like Tessera answers at {}", walk.origin());
        // Kept to the end of this block: it stops and goes away with it.
        let _own = if is_there {
            println!("Using the platform that runs at {}", walk.origin());
            None
        } else {
            println!("No platform runs at {}: starting one for this walk", walk.origin());
            let platform = Platform::start(workspace)?;
            walk = Walk::to(platform.origin())?;
            platform.wait_for(&walk).await?;
            Some(platform)
        };
        journey::walk(&mut walk).await?;
        println!("\nThe journey is complete: {} steps, each answered as it should be.", walk.steps());
        Ok(true)
    })
}
