//! A PostgreSQL server of one test run, made from locally installed programs: its own folder, a
//! free port of the loopback address, nothing kept.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail, ensure};

use crate::process;

/// PostgreSQL refuses to run as root; this account comes with its packages.
const ACCOUNT: &str = "postgres";
/// How often a start is tried again: another program may take the port in between.
const ATTEMPTS: usize = 3;
/// Safety against power loss is not what a test database needs.
const SETTINGS: &str = "-c listen_addresses=127.0.0.1 -c unix_socket_directories='' \
    -c max_connections=400 -c fsync=off -c full_page_writes=off";

/// A running server; dropped, it is stopped and its folder removed.
#[derive(Debug)]
pub struct Server {
    installation: Installation,
    folder: PathBuf,
    port: u16,
}

/// The programs, and how they are run.
#[derive(Clone, Debug)]
struct Installation {
    programs: PathBuf,
    as_root: bool,
}

/// Makes a server and waits until it answers.
pub fn start() -> anyhow::Result<Server> {
    let installation = installation()?;
    let template = std::env::temp_dir().join("tessera-postgres.XXXXXX");
    let folder = PathBuf::from(output(installation.command("mktemp").arg("-d").arg(template))?);
    // From here on the folder is removed whatever happens.
    let mut server = Server { installation, folder, port: 0 };
    server.initialise()?;
    for attempt in 1..=ATTEMPTS {
        server.port = free_port()?;
        match server.launch() {
            Ok(()) => break,
            Err(error) if attempt == ATTEMPTS || process::interrupted() => return Err(error),
            Err(_) => {}
        }
    }
    Ok(server)
}

/// What can be used here.
fn installation() -> anyhow::Result<Installation> {
    let programs = programs().context("initdb, pg_ctl and postgres are not installed")?;
    let as_root = output(Command::new("id").arg("-u"))? == "0";
    ensure!(
        !as_root || process::answers(Command::new("runuser").args(["-u", ACCOUNT, "--", "true"])),
        "PostgreSQL refuses to run as root, and runuser or the account {ACCOUNT} is missing"
    );
    Ok(Installation { programs, as_root })
}

/// The folder with all three programs: one of the search path, else that of the newest version
/// where the packages put them.
pub fn programs() -> Option<PathBuf> {
    let search_path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"];
    std::env::split_paths(&search_path)
        .chain(usual.iter().flat_map(|parent| versions(Path::new(parent))))
        .chain([PathBuf::from("/usr/local/pgsql/bin")])
        .find(|folder| has_programs(folder))
}

/// The `bin` folders below the versions in a folder, newest first.
fn versions(parent: &Path) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = std::fs::read_dir(parent)
        .into_iter()
        .flatten()
        .filter_map(Result::ok)
        .filter_map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            let version = name.trim_start_matches("postgresql@").parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    found.sort();
    found.into_iter().rev().map(|(_, folder)| folder).collect()
}

fn has_programs(folder: &Path) -> bool {
    ["initdb", "pg_ctl", "postgres"].iter().all(|program| folder.join(program).is_file())
}

fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
    Ok(listener.local_addr().context("no free port")?.port())
}

/// What a command wrote, or why it failed.
fn output(command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output().with_context(|| format!("{program} did not start"))?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        bail!("{program} failed ({}): {}", output.status, error.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

impl Installation {
    /// A command of the account the server runs as.
    fn command(&self, program: impl AsRef<Path>) -> Command {
        let program = program.as_ref();
        let mut command = if self.as_root {
            let mut command = Command::new("runuser");
            command.args(["-u", ACCOUNT, "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        // The present folder may be closed to that account.
        command.current_dir("/").env("LC_ALL", "C");
        for name in ["PGDATA", "PGHOST", "PGPORT", "PGUSER", "PGOPTIONS"] {
            command.env_remove(name);
        }
        command
    }
}

impl Server {
    /// Where it answers.
    pub fn address(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn initialise(&self) -> anyhow::Result<()> {
        let mut command = self.installation.command(self.installation.programs.join("initdb"));
        command.arg("--pgdata").arg(self.data());
        command.args(["--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync"]);
        output(&mut command).map(drop)
    }

    fn launch(&self) -> anyhow::Result<()> {
        let log = self.folder.join("server.log");
        let mut command = self.installation.command(self.installation.programs.join("pg_ctl"));
        command.args(["start", "--silent", "--wait", "--timeout=60", "--pgdata"]).arg(self.data());
        command.arg("--log").arg(&log).arg("--options").arg(format!("-p {} {SETTINGS}", self.port));
        output(&mut command).map(drop).with_context(|| {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            format!("the server says: {}", text.lines().last().unwrap_or("nothing"))
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let mut command = self.installation.command(self.installation.programs.join("pg_ctl"));
        command.args(["stop", "--silent", "--mode=immediate", "--wait", "--pgdata"]).arg(self.data());
        // One that never came up has nothing to stop.
        process::answers(&mut command);
        if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            eprintln!("cannot remove {}: {error}", self.folder.display());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_version_comes_first() {
        let parent = std::env::temp_dir().join(format!("tessera-versions-{}", std::process::id()));
        for version in ["9", "15", "16", "common"] {
            std::fs::create_dir_all(parent.join(version).join("bin")).unwrap();
        }

        let found = versions(&parent);

        std::fs::remove_dir_all(&parent).unwrap();
        let expected = ["16", "15", "9"].map(|version| parent.join(version).join("bin"));
        assert_eq!(found, expected);
    }

    #[test]
    fn a_folder_without_the_programs_is_no_installation() {
        assert!(!has_programs(Path::new("/nonexistent")));
    }

    /// On a machine with usable programs: the server answers, and nothing of it stays.
    #[test]
    fn a_private_server_answers_and_goes_away() {
        if installation().is_err() {
            return;
        }
        let server = start().unwrap();
        let url = reqwest::Url::parse(&server.address()).unwrap();
        assert_eq!(super::super::handshake::attempt(&url), Ok(()));
        let folder = server.folder.clone();

        drop(server);

        assert!(!folder.exists());
        assert!(super::super::handshake::attempt(&url).is_err());
    }
}
