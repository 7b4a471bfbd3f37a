//! Which Redis the tests get: the one that is named or stands at the usual place, else a private one from a locally installed
//! program, else none.

use std::env;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, ToSocketAddrs as _};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use reqwest::Url;

use super::absence::Absence;
use crate::process;

/// Names the server of the tests.
const URL: &str = "TESSERA_TEST_REDIS_URL";
/// Set to `off`, it makes the tests skip what needs Redis.
const SWITCH: &str = "TESSERA_TEST_REDIS";
/// Where a server is looked for when none is named.
const DEFAULT_URL: &str = "redis://127.0.0.1:6379/0";

const TIMEOUT: Duration = Duration::from_secs(3);
/// How often a private server is asked whether it is there, and how long between.
const QUESTIONS: u32 = 100;
const BETWEEN: Duration = Duration::from_millis(100);

/// What was found.
#[derive(Debug)]
pub enum Redis {
    /// A server that was there.
    Given(String),
    /// One of this run, stopped with this value.
    Private {
        /// The server.
        server: Server,
        /// Why the one that was looked for is not used.
        instead: String,
    },
    /// None.
    Absent(Absence),
}

impl Redis {
    /// Looks for a server and starts a private one if there is none.
    pub fn find() -> Self {
        if is_switched_off() {
            return Self::Absent(absence(vec![format!("{SWITCH} is off")]));
        }
        let url = env::var(URL).ok().filter(|url| !url.is_empty()).unwrap_or_else(|| DEFAULT_URL.to_owned());
        let instead = match reach(&url) {
            Ok(()) => return Self::Given(url),
            Err(reason) => reason,
        };
        match Server::start() {
            Ok(server) => Self::Private { server, instead },
            Err(error) => Self::Absent(absence(vec![instead, format!("no private server: {error:#}")])),
        }
    }

    /// Tells a test run about it.
    pub fn configure(&self, command: &mut Command) {
        match self {
            Self::Given(url) => command.env(URL, url).env_remove(SWITCH),
            Self::Private { server, .. } => command.env(URL, server.url()).env_remove(SWITCH),
            Self::Absent(_) => command.env_remove(URL).env(SWITCH, "off"),
        };
    }

    /// One line about it, without a password.
    pub fn describe(&self) -> String {
        match self {
            Self::Given(url) => format!("the server at {}", place(url)),
            Self::Private { server, instead } => format!("a private server on port {} ({instead})", server.port),
            Self::Absent(absence) => absence.sentence(),
        }
    }

    /// Why there is none, if so.
    pub fn absence(&self) -> Option<&Absence> {
        match self {
            Self::Absent(absence) => Some(absence),
            Self::Given(_) | Self::Private { .. } => None,
        }
    }
}

fn absence(reasons: Vec<String>) -> Absence {
    let remedy = if is_switched_off() {
        "env --unset=TESSERA_TEST_REDIS make test"
    } else if process::answers(Command::new("apt-get").arg("--version")) {
        "sudo apt-get install redis-server"
    } else {
        "TESSERA_TEST_REDIS_URL=redis://HOST:6379/0 make test"
    };
    Absence { name: "Redis", without: "limits are tested in memory alone", reasons, remedy }
}

fn is_switched_off() -> bool {
    env::var(SWITCH).is_ok_and(|value| value == "off")
}

/// Whether a server is there that speaks as Redis does. Whether it lets us in is for the driver to find out.
fn reach(url: &str) -> Result<(), String> {
    let parsed = Url::parse(url).map_err(|error| format!("{URL} is not a URL: {error}"))?;
    let attempt = || -> anyhow::Result<()> {
        let host = parsed.host_str().context("the URL names no host")?;
        let addresses = (host, parsed.port().unwrap_or(6379)).to_socket_addrs()?;
        let address = addresses.into_iter().next().context("the name has no address")?;
        let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
        if parsed.scheme() == "rediss" {
            return Ok(());
        }
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.write_all(b"PING\r\n")?;
        let mut answer = [0_u8; 1];
        stream.read_exact(&mut answer)?;
        ensure!(matches!(answer, [b'+' | b'-']), "does not answer as Redis does");
        Ok(())
    };
    attempt().map_err(|error| format!("{}: {error:#}", place(url)))
}

/// The host and port of a URL: it may hold a password.
fn place(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) => format!("{}:{}", url.host_str().unwrap_or("localhost"), url.port().unwrap_or(6379)),
        Err(_) => "an unreadable address".to_owned(),
    }
}

/// A server of this run. It keeps nothing; dropped, it is stopped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    port: u16,
}

impl Server {
    fn start() -> anyhow::Result<Self> {
        let port =
            TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr()).context("no free port")?.port();
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &port.to_string(), "--save", "", "--appendonly", "no"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("redis-server did not start")?;
        // From here on it is stopped whatever happens.
        let server = Self { child, port };
        for _ in 0..QUESTIONS {
            if reach(&server.url()).is_ok() {
                return Ok(server);
            }
            thread::sleep(BETWEEN);
        }
        bail!("redis-server does not answer")
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!("cannot stop redis-server: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(redis: &Redis) -> Vec<(String, Option<String>)> {
        let mut command = Command::new("true");
        redis.configure(&mut command);
        let text = |value: &std::ffi::OsStr| value.to_string_lossy().into_owned();
        command.get_envs().map(|(name, value)| (text(name), value.map(text))).collect()
    }

    #[test]
    fn a_given_server_is_named_to_the_tests_and_shown_without_its_password() {
        let url = "redis://:secret@cache.example:6380/2";
        let given = Redis::Given(url.to_owned());
        assert_eq!(given.describe(), "the server at cache.example:6380");
        assert_eq!(environment(&given), [(SWITCH.to_owned(), None), (URL.to_owned(), Some(url.to_owned()))]);
        assert!(given.absence().is_none());
    }

    #[test]
    fn an_absent_server_is_switched_off_and_says_how_to_get_one() {
        let absent = Redis::Absent(absence(vec!["nothing answers".to_owned()]));
        assert_eq!(environment(&absent), [(SWITCH.to_owned(), Some("off".to_owned())), (URL.to_owned(), None)]);
        let text = absent.absence().unwrap().to_string();
        assert!(text.starts_with("left out: Redis"));
        assert!(text.contains("because nothing answers\n    get it with: "));
    }

    #[test]
    fn strangers_are_told_apart() {
        assert!(reach("nonsense").unwrap_err().contains("is not a URL"));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("redis://{}", listener.local_addr().unwrap());
        let stranger = thread::spawn(move || listener.accept().unwrap().0.write_all(b"HTTP/1.1 400 Bad Request\r\n"));
        assert!(reach(&url).unwrap_err().contains("does not answer as Redis does"));
        stranger.join().unwrap().unwrap();
        assert!(reach(&url).is_err(), "nobody listens any more");
    }

    /// On a machine with the program: the server answers, and nothing of it stays.
    #[test]
    fn a_private_server_answers_and_goes_away() {
        if !process::answers(Command::new("redis-server").arg("--version")) {
            return;
        }
        let server = Server::start().unwrap();
        let url = server.url();
        assert_eq!(reach(&url), Ok(()));

        drop(server);

        assert!(reach(&url).is_err());
    }
}
