//! Which PostgreSQL the tests get: the one that is named, else a private one from locally installed programs, else the one at the usual
//! place, else none. A private one need not survive a power failure, so it is much faster; and what others keep in theirs is left alone.

mod handshake;
mod private;

use std::env;
use std::process::Command;

use reqwest::Url;

use self::private::Server;
use super::absence::Absence;
use crate::process;

/// Names the server of the tests.
const URL: &str = "TESSERA_TEST_POSTGRES_URL";
/// Set to `off`, it makes the tests skip their PostgreSQL half.
const SWITCH: &str = "TESSERA_TEST_POSTGRES";
/// Where a server is looked for when none is named.
const DEFAULT_URL: &str = "postgres://postgres@127.0.0.1:5432/postgres";

/// What was found.
#[derive(Debug)]
pub enum Postgres {
    /// A server that was there.
    Given(String),
    /// One of this run, stopped and removed with this value.
    Private {
        /// The server.
        server: Server,
        /// Why the one that was looked for is not used.
        instead: String,
    },
    /// None.
    Absent(Absence),
}

impl Postgres {
    /// Takes the server that is named, starts a private one, or looks at the usual place.
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
        let failed = match private::start() {
            Ok(server) => return Self::Private { server, instead },
            Err(error) => format!("no private server: {error:#}"),
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
            Self::Given(url) => format!("the server at {}", place(url)),
            Self::Private { server, instead } => {
                format!("a private server, {} ({instead})", server.describe())
            }
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

/// Whether its programs are on this machine.
pub fn is_installed() -> bool {
    private::programs().is_some()
}

fn absence(reasons: Vec<String>) -> Absence {
    Absence { name: "PostgreSQL", without: "the tests run on SQLite alone", reasons, remedy: remedy() }
}

fn is_switched_off() -> bool {
    env::var(SWITCH).is_ok_and(|value| value == "off")
}

/// One command that gets what was left out.
fn remedy() -> &'static str {
    if is_switched_off() {
        return "env --unset=TESSERA_TEST_POSTGRES make test";
    }
    let has = |program: &str| process::answers(Command::new(program).arg("--version"));
    if private::programs().is_some() {
        "TESSERA_TEST_POSTGRES_URL=postgres://USER:PASSWORD@HOST:5432/DATABASE make test"
    } else if has("apt-get") {
        "sudo apt-get install postgresql"
    } else if has("dnf") {
        "sudo dnf install postgresql-server"
    } else if has("brew") {
        "brew install postgresql"
    } else {
        "TESSERA_TEST_POSTGRES_URL=postgres://USER:PASSWORD@HOST:5432/DATABASE make test"
    }
}

/// Whether a server answers there and would let this user in.
fn reach(url: &str) -> Result<(), String> {
    let parsed = Url::parse(url).map_err(|error| format!("{URL} is not a URL: {error}"))?;
    handshake::attempt(&parsed).map_err(|reason| format!("{}: {reason}", place(url)))
}

/// The host and port of a URL: it may hold a password.
fn place(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) => format!("{}:{}", url.host_str().unwrap_or("localhost"), url.port().unwrap_or(5432)),
        Err(_) => "an unreadable address".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(postgres: &Postgres) -> Vec<(String, Option<String>)> {
        let mut command = Command::new("true");
        postgres.configure(&mut command);
        let text = |value: &std::ffi::OsStr| value.to_string_lossy().into_owned();
        command.get_envs().map(|(name, value)| (text(name), value.map(text))).collect()
    }

    #[test]
    fn a_given_server_is_named_to_the_tests_and_shown_without_its_password() {
        let given = Postgres::Given("postgres://a:secret@db.example:5433/x".to_owned());
        assert_eq!(given.describe(), "the server at db.example:5433");
        assert_eq!(
            environment(&given),
            [(SWITCH.to_owned(), None), (URL.to_owned(), Some("postgres://a:secret@db.example:5433/x".to_owned()))]
        );
        assert!(given.absence().is_none());
    }

    #[test]
    fn an_absent_server_is_switched_off_and_says_how_to_get_one() {
        let absent = Postgres::Absent(absence(vec!["nothing answers".to_owned()]));
        assert_eq!(environment(&absent), [(SWITCH.to_owned(), Some("off".to_owned())), (URL.to_owned(), None)]);
        let text = absent.absence().unwrap().to_string();
        assert!(text.starts_with("left out: PostgreSQL"));
        assert!(text.contains("because nothing answers\n    get it with: "));
    }

    #[test]
    fn an_unreadable_url_is_a_reason() {
        assert!(reach("nonsense").unwrap_err().contains("is not a URL"));
    }
}
