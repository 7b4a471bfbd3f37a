//! A broker of one test run, made from a locally installed program: its own folder, node, name server and free ports of the loopback
//! address, nothing kept.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::super::engine::reach;
use crate::process;

/// How often a start is tried: another program may take a port in between.
const ATTEMPTS: usize = 3;
/// How often it is asked whether it is there, and how long between: it takes about ten seconds.
const QUESTIONS: u32 = 600;
const BETWEEN: Duration = Duration::from_millis(150);

/// A running broker; dropped, it is stopped and its folder removed.
#[derive(Debug)]
pub struct Server {
    child: Child,
    folder: PathBuf,
    port: u16,
    /// Where Erlang's name server of this broker listens. It is a process of its own, and stays when the broker goes.
    names: u16,
}

impl Server {
    /// Makes a broker and waits until it answers.
    pub fn launch() -> anyhow::Result<Self> {
        let program = program().context("rabbitmq-server is not installed")?;
        for _ in 1..ATTEMPTS {
            match Self::attempt(&program) {
                Err(_) if !process::interrupted() => {}
                outcome => return outcome,
            }
        }
        Self::attempt(&program)
    }

    fn attempt(program: &Path) -> anyhow::Result<Self> {
        let [port, names, nodes] = free_ports()?;
        let folder = std::env::temp_dir().join(format!("tessera-rabbitmq-{}-{port}", std::process::id()));
        fs::create_dir_all(&folder).context("no folder for it")?;
        let log = File::create(folder.join("output")).and_then(|log| Ok((log.try_clone()?, log)));
        let (out, err) = log.context("no file for its output")?;
        let child = command(program, &folder, port, names, nodes).stdout(out).stderr(err).spawn();
        // From here on it is stopped and removed whatever happens.
        let mut server = Self { child: child.context("it did not start")?, folder, port, names };
        server.wait()?;
        Ok(server)
    }

    /// Where it answers.
    pub fn address(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.port)
    }

    fn wait(&mut self) -> anyhow::Result<()> {
        for _ in 0..QUESTIONS {
            if reach::<Self>(&self.address()).is_ok() {
                return Ok(());
            }
            let ended = self.child.try_wait().context("it cannot be watched")?.is_some();
            if ended || process::interrupted() {
                break;
            }
            thread::sleep(BETWEEN);
        }
        let said = fs::read_to_string(self.folder.join("output")).unwrap_or_default();
        bail!("it does not answer; it said: {}", said.lines().rev().find(|line| !line.is_empty()).unwrap_or("nothing"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("cannot stop RabbitMQ: {error}");
        }
        process::answers(Command::new("epmd").arg("-kill").env("ERL_EPMD_PORT", self.names.to_string()));
        if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("cannot remove {}: {error}", self.folder.display());
        }
    }
}

/// The program itself, where the packages put it: what Debian has in the search path is a wrapper that changes the account.
pub fn program() -> Option<PathBuf> {
    let search_path = std::env::var_os("PATH").unwrap_or_default();
    ["/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin", "/opt/homebrew/sbin", "/usr/local/sbin"]
        .into_iter()
        .map(PathBuf::from)
        .chain(std::env::split_paths(&search_path))
        .map(|folder| folder.join("rabbitmq-server"))
        .find(|program| program.is_file())
}

fn command(program: &Path, folder: &Path, port: u16, names: u16, nodes: u16) -> Command {
    let mut command = Command::new(program);
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        // The cookie of its cluster of one goes there.
        .env("HOME", folder)
        // Makes the script become the broker instead of waiting for it.
        .env("RUNNING_UNDER_SYSTEMD", "true")
        .env("RABBITMQ_NODENAME", format!("tessera-{port}@localhost"))
        .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_NODE_PORT", port.to_string())
        .env("RABBITMQ_DIST_PORT", nodes.to_string())
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "-kernel inet_dist_use_interface {127,0,0,1}")
        .env("ERL_EPMD_PORT", names.to_string())
        .env("ERL_EPMD_ADDRESS", "127.0.0.1");
    let within = [
        ("RABBITMQ_MNESIA_BASE", "data"),
        ("RABBITMQ_LOG_BASE", "log"),
        ("RABBITMQ_PID_FILE", "pid"),
        // None of these is there: what is configured for the machine's own broker is not for this one.
        ("RABBITMQ_CONFIG_FILE", "none"),
        ("RABBITMQ_CONF_ENV_FILE", "none"),
        ("RABBITMQ_ENABLED_PLUGINS_FILE", "none"),
    ];
    for (name, file) in within {
        command.env(name, folder.join(file));
    }
    command
}

/// Ports that nobody has now, each another.
fn free_ports<const N: usize>() -> anyhow::Result<[u16; N]> {
    let mut ports = [0; N];
    let mut held = Vec::new();
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port")?;
        *port = listener.local_addr().context("no free port")?.port();
        held.push(listener);
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_differ() {
        let mut ports = free_ports::<5>().unwrap().to_vec();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 5);
    }

    /// On a machine with the program: the broker answers, and nothing of it stays.
    #[test]
    fn a_private_broker_answers_and_goes_away() {
        if program().is_none() {
            return;
        }
        let server = Server::launch().unwrap();
        let (url, names, folder) = (server.address(), server.names, server.folder.clone());
        assert_eq!(reach::<Server>(&url), Ok(()));
        assert!(answers_for_names(names), "its name server is there");

        drop(server);

        assert!(reach::<Server>(&url).is_err() && !folder.exists());
        assert!(!answers_for_names(names), "its name server is gone");
    }

    /// Whether a name server is there. It is asked, for somebody else may have the port by now.
    fn answers_for_names(port: u16) -> bool {
        process::answers(Command::new("epmd").arg("-names").env("ERL_EPMD_PORT", port.to_string()))
    }
}
