//! A running program.

use std::process::{Command, ExitStatus};

use crate::api::Api;
use crate::folder::DataFolder;
use crate::process::{Ended, Process, ended};
use crate::program::Program;

/// A program that serves. It is killed when this is dropped.
#[derive(Debug)]
pub struct Instance {
    process: Process,
    api: Api,
    internal: Api,
}

impl Instance {
    /// Starts `tessera serve` on a folder and waits until it is ready.
    ///
    /// # Panics
    /// When it does not become ready; with what it said.
    pub async fn start(folder: &DataFolder) -> Self {
        Self::start_with(folder, &[]).await
    }

    /// The same with some variables of the environment set.
    ///
    /// # Panics
    /// As [`Instance::start`].
    pub async fn start_with(folder: &DataFolder, variables: &[(&str, &str)]) -> Self {
        let api = |port| Api::new(format!("http://localhost:{port}"));
        Self::launch(folder, variables, api(folder.port()), api(folder.internal_port())).await
    }

    /// The same with some settings changed that make it serve over TLS, to whoever trusts `authorities` (PEM).
    ///
    /// # Panics
    /// When it does not become ready; with what it said.
    pub async fn start_over_tls(folder: &DataFolder, settings: &[(&str, &str)], authorities: &str) -> Self {
        let api = |port| Api::trusting(format!("https://localhost:{port}"), authorities);
        Self::launch(folder, settings, api(folder.port()), api(folder.internal_port())).await
    }

    async fn launch(folder: &DataFolder, variables: &[(&str, &str)], api: Api, internal: Api) -> Self {
        let mut command = command(folder, &["serve"]);
        let mut process = Process::start("tessera", command.envs(variables.iter().copied()), &folder.log_path());
        process.ready("ready", async || internal.is_ready().await).await;
        Self { process, api, internal }
    }

    /// A new caller of its public port.
    #[must_use]
    pub fn api(&self) -> Api {
        self.api.clone()
    }

    /// A new caller of its internal port.
    #[must_use]
    pub fn internal(&self) -> Api {
        self.internal.clone()
    }

    /// Ends it as a crash would, at once.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub fn kill9(mut self) {
        self.process.kill9();
    }

    /// Asks it to end, by SIGTERM, and waits until it has.
    ///
    /// # Panics
    /// When it does not.
    pub async fn terminate(mut self) -> ExitStatus {
        self.process.end_by("TERM").await
    }
}

/// Runs `tessera` with these arguments and these settings changed, until it ends by itself.
///
/// # Panics
/// When it does not end.
pub async fn run(folder: &DataFolder, arguments: &[&str], settings: &[(&str, &str)]) -> Ended {
    let mut command = command(folder, arguments);
    command.envs(settings.iter().copied());
    ended(command).await
}

/// The program with the settings of a folder and none of whoever runs the tests.
fn command(folder: &DataFolder, arguments: &[&str]) -> Command {
    let mut command = Program::AllInOne.command();
    command
        .args(arguments)
        .env("TESSERA_DATA_DIR", folder.path())
        .env("TESSERA_PORT", folder.port().to_string())
        .env("TESSERA_INTERNAL_PORT", folder.internal_port().to_string())
        .env("TESSERA_SERVICE_PORTS", "false")
        .env("TESSERA_LOG_LEVEL", "warn");
    command
}
