//! PostgreSQL. A private one need not survive a power failure, so making and dropping databases takes it no time.

mod handshake;
mod private;

use std::process::Command;

use reqwest::Url;

pub use self::private::Server as Postgres;
use super::engine::Engine;
use crate::process;

impl Engine for Postgres {
    const NAME: &'static str = "PostgreSQL";
    const WITHOUT: &'static str = "the tests run on SQLite alone";
    const URL: &'static str = "TESSERA_TEST_POSTGRES_URL";
    const SWITCH: &'static str = "TESSERA_TEST_POSTGRES";
    const SWITCH_ON: &'static str = "env --unset=TESSERA_TEST_POSTGRES make test";
    const USUAL: &'static str = "postgres://postgres@127.0.0.1:5432/postgres";
    const PORT: u16 = 5432;

    fn start() -> anyhow::Result<Self> {
        private::start()
    }

    fn url(&self) -> String {
        self.address()
    }

    fn is_installed() -> bool {
        private::programs().is_some()
    }

    fn remedy() -> &'static str {
        let has = |program: &str| process::answers(Command::new(program).arg("--version"));
        if Self::is_installed() {
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

    fn attempt(url: &Url) -> Result<(), String> {
        handshake::attempt(url)
    }
}
