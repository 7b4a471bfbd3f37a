//! Walks the journey of the README, against a platform that runs already or one of its own, and prints
//! each request and its answer for a person.

mod journey;
mod platform;
mod show;
mod walk;

use anyhow::{Context as _, ensure};

use crate::process;
use crate::workspace::Workspace;
use platform::Platform;
use walk::Walk;

/// Where `make run` serves.
const DEFAULT_ORIGIN: &str = "http://localhost:8000";

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
