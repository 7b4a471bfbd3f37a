//! The stack of `docker-compose.yml` as a user starts it: built, started, walked through, stopped, started again on what it left, walked
//! through again, and removed.

use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail, ensure};

use crate::stopwatch::Stopwatch;
use crate::workspace::Workspace;
use crate::{demo, process};

/// Apart from a stack that a person runs: its volumes go away at the end.
const PROJECT: &str = "tessera-compose-test";
/// The gateway's, on this machine.
const PORTS: [u16; 3] = [8000, 8080, 3000];
/// What is built.
const IMAGES: [&str; 5] =
    ["tessera:dev", "tessera-auth:dev", "tessera-sessions:dev", "tessera-verify:dev", "tessera-oauth:dev"];
/// What an image may have at most, in bytes.
const LARGEST: u64 = 60 * 1024 * 1024;
const ORIGIN: &str = "http://localhost:8000";

/// Runs it; `false` when a part of it failed and has said so.
pub fn run(workspace: &Workspace) -> anyhow::Result<bool> {
    process::catch_interrupts()?;
    let watch = Stopwatch::start();
    let compose = Compose::find(&workspace.root)?;
    for port in PORTS {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
        free.with_context(|| format!("port {port} is taken: stop what uses it, the gateway needs it"))?;
    }
    // What an earlier run may have left when it was killed.
    compose.remove()?;
    let passed = stages(&compose, watch);
    if let Err(error) = &passed {
        println!("\n[{}] FAILED: {error:#}\n", watch.display());
        drop(compose.call(&["ps"]));
        drop(compose.call(&["logs", "--no-color", "--tail", "100"]));
    }
    compose.remove()?;
    if passed.is_ok() {
        println!("\nok: the stack started twice and the journey passed twice, in {}", watch.display());
    }
    Ok(passed.is_ok())
}

fn stages(compose: &Compose<'_>, watch: Stopwatch) -> anyhow::Result<()> {
    let stage = |title: &str| println!("\n[{}] {title}", watch.display());
    stage("building the images: the first time this compiles everything");
    compose.call(&["build"])?;
    IMAGES.iter().try_for_each(|image| look_at(image))?;
    stage("the first start: secrets, databases, schemas");
    compose.call(&["up", "--detach"])?;
    demo::walk_when_ready(ORIGIN)?;
    stage("stopping, and starting again on the same volumes");
    compose.call(&["down"])?;
    compose.call(&["up", "--detach"])?;
    demo::walk_when_ready(ORIGIN)
}

/// Compose, in whichever of its two forms is here.
struct Compose<'a> {
    words: &'static [&'static str],
    root: &'a Path,
}

impl<'a> Compose<'a> {
    fn find(root: &'a Path) -> anyhow::Result<Self> {
        let forms: [&'static [&'static str]; 2] = [&["docker", "compose"], &["docker-compose"]];
        let found = forms.into_iter().find(|words| process::answers(command(words).arg("version")));
        let words = found.context("neither `docker compose` nor `docker-compose` runs here: install one of them")?;
        if !process::answers(Command::new("docker").arg("info")) {
            bail!("no Docker engine answers: start it, and see that `docker info` works for this user");
        }
        Ok(Self { words, root })
    }

    fn call(&self, arguments: &[&str]) -> anyhow::Result<()> {
        ensure!(!process::interrupted(), "interrupted");
        self.finish(arguments)
    }

    /// Also after an interruption.
    fn remove(&self) -> anyhow::Result<()> {
        self.finish(&["down", "--volumes", "--remove-orphans"])
    }

    fn finish(&self, arguments: &[&str]) -> anyhow::Result<()> {
        let mut command = command(self.words);
        command.args(["--project-name", PROJECT]).args(arguments).current_dir(self.root);
        let status = command.status().with_context(|| format!("{} did not start", self.words.join(" ")))?;
        ensure!(status.success(), "`{} {}` ended with {status}", self.words.join(" "), arguments.join(" "));
        Ok(())
    }
}

/// Whether an image is as small as it is to be, and its user is not root.
fn look_at(image: &str) -> anyhow::Result<()> {
    let mut inspect = Command::new("docker");
    inspect.args(["image", "inspect", "--format", "{{.Size}} {{.Config.User}}", image]);
    let output = inspect.output().context("docker did not start")?;
    let told = String::from_utf8_lossy(&output.stdout);
    println!("{image}: {}", told.trim());
    judge(&told).with_context(|| image.to_owned())
}

/// Judges what an image is told to have: `SIZE USER`.
fn judge(told: &str) -> anyhow::Result<()> {
    let mut words = told.split_whitespace();
    let size: u64 = words.next().and_then(|size| size.parse().ok()).context("no such image")?;
    ensure!(size < LARGEST, "it has {size} bytes, and may have {LARGEST}");
    let user = words.next().and_then(|user| user.split(':').next()).unwrap_or("root");
    ensure!(!["", "0", "root"].contains(&user), "its user is root");
    Ok(())
}

fn command(words: &[&str]) -> Command {
    let (program, first) = words.split_first().unwrap_or((&"docker", &[]));
    let mut command = Command::new(program);
    command.args(first);
    command
}

#[cfg(test)]
mod tests {
    use super::judge;

    #[test]
    fn images_are_small_and_not_roots() {
        assert!(judge("29360128 65532:65532\n").is_ok());
        for told in ["", "62914560 65532", "29360128", "29360128 0:0", "29360128 root"] {
            assert!(judge(told).is_err(), "{told}");
        }
    }
}
