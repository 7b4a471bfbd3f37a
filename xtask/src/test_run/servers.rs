//! The servers that tests use where they are.

use std::process::Command;

use super::absence::Absence;
use super::postgres::Postgres;
use super::redis::Redis;

/// What was found of each. Private ones stop and go away with this value.
#[derive(Debug)]
pub struct Servers {
    postgres: Postgres,
    redis: Redis,
}

impl Servers {
    /// Looks for each, and starts a private one where there is none.
    pub fn find() -> Self {
        Self { postgres: Postgres::find(), redis: Redis::find() }
    }

    /// Tells a test run about them.
    pub fn configure(&self, command: &mut Command) {
        self.postgres.configure(command);
        self.redis.configure(command);
    }

    /// One line about each, without a password.
    pub fn describe(&self) -> String {
        format!("PostgreSQL: {}\nRedis: {}\n", self.postgres.describe(), self.redis.describe())
    }

    /// What has to be left out.
    pub fn absences(&self) -> Vec<&Absence> {
        self.postgres.absence().into_iter().chain(self.redis.absence()).collect()
    }
}
