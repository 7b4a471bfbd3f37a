//! One process of a service.

use std::path::PathBuf;
use std::process::Command;

use super::Service;
use crate::api::Api;
use crate::process::{Ended, Process, ended};
use crate::program::Program;

/// A place for a process: its ports, its settings, its log. It may run or not.
#[derive(Debug)]
pub struct Replica {
    pub service: Service,
    /// The public one first.
    pub ports: [u16; 2],
    health: Api,
    environment: Vec<(String, String)>,
    log: PathBuf,
    process: Option<Process>,
}

impl Replica {
    pub fn new(
        service: Service,
        ports: [u16; 2],
        health: Api,
        environment: Vec<(String, String)>,
        log: PathBuf,
    ) -> Self {
        Self { service, ports, health, environment, log, process: None }
    }

    /// Brings the service's database to this release, with what the examples rely on.
    pub async fn prepare(&self) {
        self.done(&["migrate"]).await;
        if self.service == Service::OAuth {
            self.done(&["bootstrap", "--dev"]).await;
        }
    }

    pub async fn start(&mut self) {
        let health = self.health.clone();
        self.spawn(&[]).ready("ready", async || health.is_ready().await).await;
    }

    /// Starts it with some settings changed, and waits for nothing.
    pub fn spawn(&mut self, settings: &[(&str, &str)]) -> &mut Process {
        assert!(self.process.is_none(), "{:?} runs", self.service);
        let mut command = self.command();
        command.envs(settings.iter().copied()).arg("serve");
        self.process.insert(Process::start(Program::Of(self.service).name(), &mut command, &self.log))
    }

    pub fn kill9(&mut self) {
        self.process.take().expect("it runs").kill9();
    }

    pub async fn terminate(&mut self) {
        let status = self.process.take().expect("it runs").end_by("TERM").await;
        assert!(status.success(), "{:?} has ended with {status}: {}", self.service, self.log());
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.process.as_ref().expect("it runs").id()
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Runs its program beside it, with the same settings, until that ends by itself.
    pub async fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = self.command();
        command.args(arguments);
        ended(command).await
    }

    async fn done(&self, arguments: &[&str]) {
        let ended = self.run(arguments).await;
        assert!(ended.status.success(), "{} {arguments:?}: {ended:?}", Program::Of(self.service).name());
    }

    fn command(&self) -> Command {
        let mut command = Program::Of(self.service).command();
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}
