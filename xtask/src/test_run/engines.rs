//! Whether tests can have engines of their own, to stop, to kill and to encrypt: whatever serves the other tests, these need the programs
//! on this machine.

use super::absence::Absence;
use super::engine::Engine;
use super::postgres::Postgres;
use super::rabbitmq::RabbitMq;
use super::redis::Redis;

/// What was found; the absence, where something is missing.
#[derive(Debug)]
pub struct Engines(Option<Absence>);

impl Engines {
    /// Looks for each.
    pub fn find() -> Self {
        Self::of([installed::<Postgres>(), installed::<Redis>(), installed::<RabbitMq>()])
    }

    fn of(engines: [(&str, bool); 3]) -> Self {
        let missing = engines.iter().filter(|(_, is_installed)| !is_installed);
        let reasons: Vec<_> = missing.map(|(name, _)| format!("{name} is not installed on this machine")).collect();
        Self((!reasons.is_empty()).then_some(Absence {
            name: "engines of tests",
            without: "what stops, kills or encrypts an engine is not tested",
            reasons,
            remedy: "apt-get install postgresql redis-server rabbitmq-server (or your system's packages), and stop what they start",
        }))
    }

    /// One line about them.
    pub fn describe(&self) -> String {
        self.0.as_ref().map_or_else(|| "all are installed".to_owned(), Absence::sentence)
    }

    /// What is missing, if so.
    pub fn absence(&self) -> Option<&Absence> {
        self.0.as_ref()
    }
}

fn installed<E: Engine>() -> (&'static str, bool) {
    (E::NAME, E::is_installed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_installed_is_named_and_nothing_else() {
        let one = Engines::of([("PostgreSQL", true), ("Redis", false), ("RabbitMQ", true)]);
        assert_eq!(one.describe(), "left out (Redis is not installed on this machine)");
        assert!(one.absence().is_some());
        let all = Engines::of([("PostgreSQL", true), ("Redis", true), ("RabbitMQ", true)]);
        assert!(all.absence().is_none());
    }
}
