//! The servers and tools that tests use where they are.

use std::process::Command;

use super::absence::Absence;
use super::engine::Found;
use super::engines::Engines;
use super::nginx::Nginx;
use super::postgres::Postgres;
use super::rabbitmq::RabbitMq;
use super::redis::Redis;
use super::tool::Tool;
use crate::workspace::Workspace;

/// What was found of each. Private ones stop and go away with this value.
#[derive(Debug)]
pub struct Servers {
    postgres: Found<Postgres>,
    redis: Found<Redis>,
    rabbitmq: Found<RabbitMq>,
    nginx: Nginx,
    engines: Engines,
    python: Tool,
    browser: Tool,
}

impl Servers {
    /// Looks for each.
    pub fn find(workspace: &Workspace) -> Self {
        Self {
            postgres: Found::find(),
            redis: Found::find(),
            rabbitmq: Found::find(),
            nginx: Nginx::find(),
            engines: Engines::find(),
            python: Tool::python(workspace),
            browser: Tool::browser(),
        }
    }

    /// Tells a test run about them.
    pub fn configure(&self, command: &mut Command) {
        self.postgres.configure(command);
        self.redis.configure(command);
        self.rabbitmq.configure(command);
        self.python.configure(command);
        self.browser.configure(command);
    }

    /// One line about each, without a password.
    pub fn describe(&self) -> String {
        let lines = [
            ("PostgreSQL", self.postgres.describe()),
            ("Redis", self.redis.describe()),
            ("RabbitMQ", self.rabbitmq.describe()),
            ("nginx", self.nginx.describe()),
            ("engines of tests", self.engines.describe()),
            ("Python", self.python.describe()),
            ("browser", self.browser.describe()),
        ];
        lines.map(|(name, said)| format!("{name}: {said}\n")).concat()
    }

    /// What has to be left out.
    pub fn absences(&self) -> Vec<&Absence> {
        let servers = [self.postgres.absence(), self.redis.absence(), self.rabbitmq.absence(), self.nginx.absence()];
        let others = [self.engines.absence(), self.python.absence(), self.browser.absence()];
        servers.into_iter().chain(others).flatten().collect()
    }
}
