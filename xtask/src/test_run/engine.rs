//! Which server of a kind the tests get: the one that is named, else a private one from locally installed programs, else the one at the
//! usual place, else none. The tests are rough with servers, and make and drop much: one that others use comes last.

use std::env;
use std::fmt::Debug;
use std::process::Command;

use reqwest::Url;

use super::absence::Absence;

/// A kind of server; the value is a private one of this run, stopped and removed when it is dropped.
pub trait Engine: Debug + Sized {
    /// Its name.
    const NAME: &'static str;
    /// What it means for the tests when there is none.
    const WITHOUT: &'static str;
    /// The variable that names the server of the tests.
    const URL: &'static str;
    /// The variable that, set to `off`, makes the tests leave out what needs one.
    const SWITCH: &'static str;
    /// How to take that back.
    const SWITCH_ON: &'static str;
    /// Where a server usually is.
    const USUAL: &'static str;
    /// The port where a URL names none.
    const PORT: u16;

    /// Starts a private one, and waits until it answers.
    fn start() -> anyhow::Result<Self>;
    /// Where that is.
    fn url(&self) -> String;
    /// Whether the programs are on this machine.
    fn is_installed() -> bool;
    /// One command that gets one.
    fn remedy() -> &'static str;
    /// Whether a server answers there as this kind does. The reason why not is for people.
    fn attempt(url: &Url) -> Result<(), String>;
}

/// What was found.
#[derive(Debug)]
pub enum Found<E> {
    /// A server that was there.
    Given(String),
    /// One of this run.
    Private {
        /// The server.
        server: E,
        /// Why the one that was looked for is not used.
        instead: String,
    },
    /// None.
    Absent(Absence),
}

impl<E: Engine> Found<E> {
    /// Takes the server that is named, starts a private one, or looks at the usual place.
    pub fn find() -> Self {
        if is_switched_off::<E>() {
            return Self::Absent(absence::<E>(vec![format!("{} is off", E::SWITCH)]));
        }
        Self::of(env::var(E::URL).ok().filter(|url| !url.is_empty()))
    }

    fn of(named: Option<String>) -> Self {
        let instead = match named.map(|url| (reach::<E>(&url), url)) {
            Some((Ok(()), url)) => return Self::Given(url),
            Some((Err(reason), _)) => reason,
            None => format!("{} names none", E::URL),
        };
        let failed = match E::start() {
            Ok(server) => return Self::Private { server, instead },
            Err(error) => format!("no private one: {error:#}"),
        };
        match reach::<E>(E::USUAL) {
            Ok(()) => Self::Given(E::USUAL.to_owned()),
            Err(reason) => Self::Absent(absence::<E>(vec![instead, failed, reason])),
        }
    }

    /// Tells a test run about it.
    pub fn configure(&self, command: &mut Command) {
        match self {
            Self::Given(url) => command.env(E::URL, url).env_remove(E::SWITCH),
            Self::Private { server, .. } => command.env(E::URL, server.url()).env_remove(E::SWITCH),
            Self::Absent(_) => command.env_remove(E::URL).env(E::SWITCH, "off"),
        };
    }

    /// One line about it, without a password.
    pub fn describe(&self) -> String {
        match self {
            Self::Given(url) => format!("the one at {}", place::<E>(url)),
            Self::Private { server, instead } => format!("a private one at {} ({instead})", place::<E>(&server.url())),
            Self::Absent(absence) => absence.sentence(),
        }
    }

    /// Why there is none, if so.
    pub const fn absence(&self) -> Option<&Absence> {
        match self {
            Self::Absent(absence) => Some(absence),
            Self::Given(_) | Self::Private { .. } => None,
        }
    }
}

fn absence<E: Engine>(reasons: Vec<String>) -> Absence {
    let remedy = if is_switched_off::<E>() { E::SWITCH_ON } else { E::remedy() };
    Absence { name: E::NAME, without: E::WITHOUT, reasons, remedy }
}

fn is_switched_off<E: Engine>() -> bool {
    env::var(E::SWITCH).is_ok_and(|value| value == "off")
}

/// Whether a server of the kind is at `url`.
pub fn reach<E: Engine>(url: &str) -> Result<(), String> {
    let parsed = Url::parse(url).map_err(|error| format!("{} is not a URL: {error}", E::URL))?;
    E::attempt(&parsed).map_err(|reason| format!("{}: {reason}", place::<E>(url)))
}

/// The host and port of a URL: it may hold a password.
fn place<E: Engine>(url: &str) -> String {
    match Url::parse(url) {
        Ok(url) => format!("{}:{}", url.host_str().unwrap_or("localhost"), url.port().unwrap_or(E::PORT)),
        Err(_) => "an unreadable address".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A kind of server of which one is at `fake://named`, another at `fake://usual` if `USUALLY`, and a private one if `INSTALLED`.
    #[derive(Debug)]
    struct Fake<const INSTALLED: bool, const USUALLY: bool>;

    impl<const INSTALLED: bool, const USUALLY: bool> Engine for Fake<INSTALLED, USUALLY> {
        const NAME: &'static str = "Fake";
        const WITHOUT: &'static str = "nothing is missing";
        const URL: &'static str = "TESSERA_TEST_FAKE_URL";
        const SWITCH: &'static str = "TESSERA_TEST_FAKE";
        const SWITCH_ON: &'static str = "env --unset=TESSERA_TEST_FAKE make test";
        const USUAL: &'static str = "fake://usual";
        const PORT: u16 = 7;

        fn start() -> anyhow::Result<Self> {
            anyhow::ensure!(INSTALLED, "it is not installed");
            Ok(Self)
        }

        fn url(&self) -> String {
            "fake://private:8".to_owned()
        }

        fn is_installed() -> bool {
            INSTALLED
        }

        fn remedy() -> &'static str {
            "fetch fake"
        }

        fn attempt(url: &Url) -> Result<(), String> {
            match url.host_str() {
                Some("named") => Ok(()),
                Some("usual") if USUALLY => Ok(()),
                _ => Err("nobody answers".to_owned()),
            }
        }
    }

    /// What is said of what was found, and the two variables that the tests get.
    fn told<const INSTALLED: bool, const USUALLY: bool>(named: Option<&str>) -> (String, [Option<String>; 2]) {
        let found = Found::<Fake<INSTALLED, USUALLY>>::of(named.map(str::to_owned));
        let mut command = Command::new("true");
        found.configure(&mut command);
        let told = |name: &str| {
            let (_, value) = command.get_envs().find(|(known, _)| *known == name)?;
            value.map(|value| value.to_string_lossy().into_owned())
        };
        (found.describe(), [told("TESSERA_TEST_FAKE_URL"), told("TESSERA_TEST_FAKE")])
    }

    fn given(url: &str) -> [Option<String>; 2] {
        [Some(url.to_owned()), None]
    }

    #[test]
    fn a_named_server_is_taken_and_shown_without_its_password() {
        let url = "fake://user:secret@named/x";
        assert_eq!(told::<true, true>(Some(url)), ("the one at named:7".to_owned(), given(url)));
    }

    #[test]
    fn a_private_one_comes_before_the_usual_place() {
        let said = "a private one at private:8 (TESSERA_TEST_FAKE_URL names none)".to_owned();
        assert_eq!(told::<true, true>(None), (said, given("fake://private:8")));
        let said = "a private one at private:8 (elsewhere:7: nobody answers)".to_owned();
        assert_eq!(told::<true, true>(Some("fake://elsewhere")), (said, given("fake://private:8")));
    }

    #[test]
    fn where_none_can_be_started_the_usual_place_is_looked_at() {
        assert_eq!(told::<false, true>(None), ("the one at usual:7".to_owned(), given("fake://usual")));
    }

    #[test]
    fn where_there_is_none_the_tests_are_told_so_and_the_reader_why() {
        let reasons = "TESSERA_TEST_FAKE_URL is not a URL: relative URL without a base; no private one: it is not installed; \
                       usual:7: nobody answers";
        let off = [None, Some("off".to_owned())];
        assert_eq!(told::<false, false>(Some("nonsense")), (format!("left out ({reasons})"), off));
        let found = Found::<Fake<false, false>>::of(None);
        let text = found.absence().unwrap().to_string();
        assert!(text.starts_with("left out: Fake (nothing is missing)\n"), "{text}");
        assert!(text.ends_with("    get it with: fetch fake\n"), "{text}");
    }
}
