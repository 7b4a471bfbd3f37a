//! The servers that tests use where they are.

use std::process::Command;

use super::absence::Absence;
use super::engine::Found;
use super::engines::Engines;
use super::nginx::Nginx;
use super::postgres::Postgres;
use super::rabbitmq::RabbitMq;
use super::redis::Redis;

/// What was found of each. Private ones stop and go away with this value.
#[derive(Debug)]
pub struct Servers {
    postgres: Found<Postgres>,
    redis: Found<Redis>,
    rabbitmq: Found<RabbitMq>,
    nginx: Nginx,
    engines: Engines,
}

impl Servers {
    /// Looks for each.
    pub fn find() -> Self {
        Self {
            postgres: Found::find(),
            redis: Found::find(),
            rabbitmq: Found::find(),
            nginx: Nginx::find(),
            engines: Engines::find(),
        }
    }

    /// Tells a test run about them.
    pub fn configure(&self, command: &mut Command) {
        self.postgres.configure(command);
        self.redis.configure(command);
        self.rabbitmq.configure(command);
    }

    /// One line about each, without a password.
    pub fn describe(&self) -> String {
        let (postgres, redis) = (self.postgres.describe(), self.redis.describe());
        let (rabbitmq, nginx) = (self.rabbitmq.describe(), self.nginx.describe());
        let engines = self.engines.describe();
        format!(
            "PostgreSQL: {postgres}\nRedis: {redis}\nRabbitMQ: {rabbitmq}\nnginx: {nginx}\nengines of tests: {engines}\n"
        )
    }

    /// What has to be left out.
    pub fn absences(&self) -> Vec<&Absence> {
        let servers = [self.postgres.absence(), self.redis.absence(), self.rabbitmq.absence()];
        let of_each = servers.into_iter().chain([self.nginx.absence(), self.engines.absence()]);
        of_each.flatten().collect()
    }
}
