//! How other programs are started: cargo without what an outer cargo left in the environment, and
//! long runs whose output is passed on line by line while it is read for its counts.

use std::env;
use std::ffi::OsString;
use std::io::{BufRead as _, BufReader, Read, Write};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use anyhow::Context as _;

/// Set once a person (Ctrl-C) or a supervisor (SIGTERM) asked to stop.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// How often a running child is looked at.
const POLL: Duration = Duration::from_millis(50);
/// How long an interrupted child may take to end by itself.
const GRACE: Duration = Duration::from_secs(10);

/// A cargo command that does not inherit the variables cargo set for this very program.
pub fn cargo() -> Command {
    let program = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(program);
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Whether this machine has a program that answers to these arguments with success.
pub fn answers(command: &mut Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// From now on Ctrl-C and SIGTERM end the running child, not this program, so that what was
/// started is also stopped and removed.
pub fn catch_interrupts() -> anyhow::Result<()> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot watch for Ctrl-C")?;
    thread::spawn(move || {
        runtime.block_on(async {
            loop {
                wait_for_signal().await;
                INTERRUPTED.store(true, Ordering::SeqCst);
            }
        });
    });
    Ok(())
}

/// Whether somebody asked to stop.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

#[cfg(unix)]
async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};

    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
        }
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}

#[cfg(not(unix))]
async fn wait_for_signal() {
    drop(tokio::signal::ctrl_c().await);
}

/// Runs a command to its end, passes its output on as it comes and hands each line, without
/// colours, to `read_line`.
pub fn stream(command: &mut Command, mut read_line: impl FnMut(&str)) -> anyhow::Result<ExitStatus> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{} did not start", command.get_program().display()))?;
    let (sender, lines) = std::sync::mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        pass_on(stdout, std::io::stdout(), sender.clone());
    }
    if let Some(stderr) = child.stderr.take() {
        pass_on(stderr, std::io::stderr(), sender);
    }
    let status = wait(&mut child, || {
        for line in lines.try_iter() {
            read_line(&line);
        }
    })?;
    // A test may leave a process behind that keeps the pipe open: do not wait for it for ever.
    while let Ok(line) = lines.recv_timeout(Duration::from_secs(2)) {
        read_line(&line);
    }
    Ok(status)
}

/// Waits for a child; an interrupted one that does not end in time is killed.
fn wait(child: &mut Child, mut meanwhile: impl FnMut()) -> anyhow::Result<ExitStatus> {
    let mut left = GRACE;
    loop {
        meanwhile();
        if let Some(status) = child.try_wait().context("cannot wait for a child process")? {
            return Ok(status);
        }
        if interrupted() {
            if left == GRACE {
                terminate(child);
            }
            left = left.saturating_sub(POLL);
            if left.is_zero() {
                child.kill().context("cannot stop a child process")?;
            }
        }
        thread::sleep(POLL);
    }
}

/// Asks a child to end. A terminal's Ctrl-C has reached it already; a supervisor's SIGTERM has not.
fn terminate(child: &Child) {
    answers(Command::new("kill").args(["-TERM", &child.id().to_string()]));
}

fn pass_on(
    from: impl Read + Send + 'static,
    mut to: impl Write + Send + 'static,
    lines: std::sync::mpsc::Sender<String>,
) {
    thread::spawn(move || {
        let mut reader = BufReader::new(from);
        let mut bytes = Vec::new();
        while reader.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
            // A closed output must not end the run: the child would die of its full pipe.
            drop(to.write_all(&bytes).and_then(|()| to.flush()));
            let line = without_colours(&String::from_utf8_lossy(&bytes));
            drop(lines.send(line.trim_end().to_owned()));
            bytes.clear();
        }
    });
}

/// A line without terminal escape sequences.
pub fn without_colours(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            for skipped in characters.by_ref() {
                if skipped.is_ascii_alphabetic() {
                    break;
                }
            }
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_removed() {
        assert_eq!(without_colours("\u{1b}[32;1m  Summary\u{1b}[0m [ 1s]"), "  Summary [ 1s]");
    }

    #[cfg(unix)]
    #[test]
    fn output_is_read_line_by_line_and_the_status_is_kept() {
        let mut seen = Vec::new();
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two >&2; exit 3"]);

        let status = stream(&mut command, |line| seen.push(line.to_owned())).unwrap();

        seen.sort();
        assert_eq!(status.code(), Some(3));
        assert_eq!(seen, ["one", "two"]);
    }
}
