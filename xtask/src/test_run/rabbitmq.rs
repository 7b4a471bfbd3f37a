//! Which RabbitMQ the tests get: the one that is named, else a private one from a locally installed program, else the one at the usual
//! place, else none. The tests are rough with a broker, so one that others use comes last.

mod private;

use std::env;
use std::io::{Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use reqwest::Url;

use self::private::Server;
use super::absence::Absence;
use crate::process;

/// Names the broker of the tests.
const URL: &str = "TESSERA_TEST_AMQP_URL";
/// Set to `off`, it makes the tests skip what needs RabbitMQ.
const SWITCH: &str = "TESSERA_TEST_RABBITMQ";
/// Where a broker is looked for when none is named.
const DEFAULT_URL: &str = "amqp://guest:guest@127.0.0.1:5672/%2f";

const TIMEOUT: Duration = Duration::from_secs(3);

/// How a client greets: AMQP 0-9-1.
const GREETING: &[u8] = b"AMQP\x00\x00\x09\x01";
/// How the broker's answer begins: a method on channel 0.
const ANSWER: &[u8] = &[1, 0, 0];

/// What was found.
#[derive(Debug)]
pub enum RabbitMq {
    /// A broker that was there.
    Given(String),
    /// One of this run, stopped and removed with this value.
    Private {
        /// The broker.
        server: Server,
        /// Why the one that was looked for is not used.
        instead: String,
    },
    /// None.
    Absent(Absence),
}

impl RabbitMq {
    /// Takes the broker that is named, starts a private one, or looks at the usual place.
    pub fn find() -> Self {
        if is_switched_off() {
            return Self::Absent(absence(vec![format!("{SWITCH} is off")]));
        }
        let named = env::var(URL).ok().filter(|url| !url.is_empty());
        let instead = match named.as_deref().map(|url| (url, reach(url))) {
            Some((url, Ok(()))) => return Self::Given(url.to_owned()),
            Some((_, Err(reason))) => reason,
            None => format!("{URL} names none"),
        };
        let failed = match Server::start() {
            Ok(server) => return Self::Private { server, instead },
            Err(error) => format!("no private broker: {error:#}"),
        };
        match reach(DEFAULT_URL) {
            Ok(()) => Self::Given(DEFAULT_URL.to_owned()),
            Err(reason) => Self::Absent(absence(vec![instead, failed, reason])),
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
            Self::Given(url) => format!("the broker at {}", place(url)),
            Self::Private { server, instead } => format!("a private broker on port {} ({instead})", server.port()),
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

/// Whether its program is on this machine.
pub fn is_installed() -> bool {
    private::program().is_some()
}

fn absence(reasons: Vec<String>) -> Absence {
    let remedy = if is_switched_off() {
        "env --unset=TESSERA_TEST_RABBITMQ make test"
    } else if process::answers(Command::new("apt-get").arg("--version")) {
        "sudo apt-get install rabbitmq-server"
    } else {
        "TESSERA_TEST_AMQP_URL=amqp://USER:PASSWORD@HOST:5672/%2f make test"
    };
    Absence { name: "RabbitMQ", without: "events are tested within one process alone", reasons, remedy }
}

fn is_switched_off() -> bool {
    env::var(SWITCH).is_ok_and(|value| value == "off")
}

/// Whether a broker is there that speaks as RabbitMQ does. Whether it lets us in is for the driver to find out.
fn reach(url: &str) -> Result<(), String> {
    let parsed = Url::parse(url).map_err(|error| format!("{URL} is not a URL: {error}"))?;
    let attempt = || -> anyhow::Result<()> {
        let host = parsed.host_str().context("the URL names no host")?;
        let encrypted = parsed.scheme() == "amqps";
        let port = parsed.port().unwrap_or(if encrypted { 5671 } else { 5672 });
        let address = (host, port).to_socket_addrs()?.next().context("the name has no address")?;
        let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
        if encrypted {
            return Ok(());
        }
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.write_all(GREETING)?;
        let mut answer = [0_u8; ANSWER.len()];
        stream.read_exact(&mut answer)?;
        ensure!(answer == ANSWER, "does not answer as RabbitMQ does");
        Ok(())
    };
    attempt().map_err(|error| format!("{}: {error:#}", place(url)))
}

/// The host and port of a URL: it may hold a password.
fn place(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) => format!("{}:{}", url.host_str().unwrap_or("localhost"), url.port().unwrap_or(5672)),
        Err(_) => "an unreadable address".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    fn environment(rabbitmq: &RabbitMq) -> Vec<(String, Option<String>)> {
        let mut command = Command::new("true");
        rabbitmq.configure(&mut command);
        let text = |value: &std::ffi::OsStr| value.to_string_lossy().into_owned();
        command.get_envs().map(|(name, value)| (text(name), value.map(text))).collect()
    }

    #[test]
    fn a_given_broker_is_named_to_the_tests_and_shown_without_its_password() {
        let url = "amqp://user:secret@broker.example:5673/%2f";
        let given = RabbitMq::Given(url.to_owned());
        assert_eq!(given.describe(), "the broker at broker.example:5673");
        assert_eq!(environment(&given), [(URL.to_owned(), Some(url.to_owned())), (SWITCH.to_owned(), None)]);
        assert!(given.absence().is_none());
    }

    #[test]
    fn an_absent_broker_is_switched_off_and_says_how_to_get_one() {
        let absent = RabbitMq::Absent(absence(vec!["nothing answers".to_owned()]));
        assert_eq!(environment(&absent), [(URL.to_owned(), None), (SWITCH.to_owned(), Some("off".to_owned()))]);
        let text = absent.absence().unwrap().to_string();
        assert!(text.starts_with("left out: RabbitMQ"));
        assert!(text.contains("because nothing answers\n    get it with: "));
    }

    #[test]
    fn strangers_are_told_apart() {
        assert!(reach("nonsense").unwrap_err().contains("is not a URL"));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("amqp://{}", listener.local_addr().unwrap());
        let stranger = thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            stream.read_exact(&mut [0; GREETING.len()]).unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n").unwrap();
        });
        assert!(reach(&url).unwrap_err().contains("does not answer as RabbitMQ does"));
        stranger.join().unwrap();
        assert!(reach(&url).is_err(), "nobody listens any more");
    }
}
