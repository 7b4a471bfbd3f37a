//! The servers that tests use where they are.

use std::process::Command;

use super::absence::Absence;
use super::nginx::Nginx;
use super::postgres::Postgres;
use super::redis::Redis;

/// What was found of each. Private ones stop and go away with this value.
#[derive(Debug)]
pub struct Servers {
    postgres: Postgres,
    redis: Redis,
    nginx: Nginx,
}

impl Servers {
    /// Looks for each, and starts a private one where there is none.
    pub fn find() -> Self {
        Self { postgres: Postgres::find(), redis: Redis::find(), nginx: Nginx::find() }
    }

    /// Tells a test run about them.
    pub fn configure(&self, command: &mut Command) {
        self.postgres.configure(command);
        self.redis.configure(command);
    }

    /// One line about each, without a password.
    pub fn describe(&self) -> String {
        let Self { postgres, redis, nginx } = self;
        format!("PostgreSQL: {}\nRedis: {}\nnginx: {}\n", postgres.describe(), redis.describe(), nginx.describe())
    }

    /// What has to be left out.
    pub fn absences(&self) -> Vec<&Absence> {
        [self.postgres.absence(), self.redis.absence(), self.nginx.absence()].into_iter().flatten().collect()
    }
}
