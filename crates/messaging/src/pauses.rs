//! Which rows a relay leaves alone for a while, after they were not confirmed.

use std::collections::HashMap;

use chrono::TimeDelta;
use tessera_common::clock::Timestamp;
use uuid::Uuid;

use crate::bus::PublishError;
use crate::envelope::Envelope;

/// The longest pause after failures.
const LONGEST_SECONDS: u32 = 10;

/// What to do with a row now.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Publish it.
    Send,
    /// Not yet; later rows of its aggregate may go.
    Skip,
    /// Not yet, nor any later row of its aggregate.
    Hold,
}

/// The rows that were not confirmed, by aggregate and id.
#[derive(Debug, Default)]
pub(crate) struct Pauses(HashMap<Uuid, HashMap<Uuid, Pause>>);

#[derive(Debug)]
struct Pause {
    failures: u32,
    until: Timestamp,
    holds: bool,
}

impl Pauses {
    pub(crate) fn step(&self, row: &Envelope, now: Timestamp) -> Step {
        let Some(aggregate) = self.0.get(&row.aggregate) else {
            return Step::Send;
        };
        if aggregate.iter().any(|(id, pause)| pause.holds && *id != row.id) {
            return Step::Hold;
        }
        match aggregate.get(&row.id) {
            Some(pause) if pause.until > now && pause.holds => Step::Hold,
            Some(pause) if pause.until > now => Step::Skip,
            _ => Step::Send,
        }
    }

    pub(crate) fn failed(&mut self, row: &Envelope, error: &PublishError, now: Timestamp) {
        let aggregate = self.0.entry(row.aggregate).or_default();
        let before = aggregate.get(&row.id).map_or(0, |pause| pause.failures);
        let (failures, holds) = match error {
            PublishError::Waiting { failures } => (*failures, false),
            PublishError::Unavailable(_) => (before.saturating_add(1), true),
        };
        let until = now + TimeDelta::seconds(seconds(failures).into());
        aggregate.insert(row.id, Pause { failures, until, holds });
    }

    /// Nobody is held back any longer because the bus was in trouble: when it is back, all go at once.
    pub(crate) fn bus_is_away(&mut self) {
        for aggregate in self.0.values_mut() {
            aggregate.retain(|_, pause| !pause.holds);
        }
        self.0.retain(|_, aggregate| !aggregate.is_empty());
    }

    pub(crate) fn confirmed(&mut self, row: &Envelope) {
        if let Some(aggregate) = self.0.get_mut(&row.aggregate) {
            aggregate.remove(&row.id);
            if aggregate.is_empty() {
                self.0.remove(&row.aggregate);
            }
        }
    }
}

/// 1, 2, 4, 8, then 10 seconds; none without a failure.
pub(crate) fn seconds(failures: u32) -> u32 {
    match failures {
        0 => 0,
        _ => 1_u32.checked_shl(failures - 1).unwrap_or(u32::MAX).min(LONGEST_SECONDS),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = chrono::DateTime::UNIX_EPOCH;

    fn row(id: u128, aggregate: u128) -> Envelope {
        Envelope {
            id: Uuid::from_u128(id),
            source: "test".to_owned(),
            event_type: "test.v1.Happened".to_owned(),
            aggregate: Uuid::from_u128(aggregate),
            version: 1,
            time: NOW,
            trace: None,
            body: Vec::new(),
        }
    }

    fn unavailable() -> PublishError {
        PublishError::Unavailable("no route".to_owned())
    }

    #[test]
    fn pauses_double_up_to_ten_seconds() {
        let told: Vec<_> = [0, 1, 2, 3, 4, 5, 33, u32::MAX].into_iter().map(seconds).collect();
        assert_eq!(told, [0, 1, 2, 4, 8, 10, 10, 10]);
    }

    #[test]
    fn an_unreachable_bus_holds_back_the_aggregate_and_no_other() {
        let (head, next, other) = (row(1, 7), row(2, 7), row(3, 8));
        let mut pauses = Pauses::default();
        pauses.failed(&head, &unavailable(), NOW);
        assert_eq!(pauses.step(&head, NOW), Step::Hold);
        assert_eq!(pauses.step(&next, NOW + TimeDelta::hours(1)), Step::Hold);
        assert_eq!(pauses.step(&other, NOW), Step::Send);
        assert_eq!(pauses.step(&head, NOW + TimeDelta::seconds(1)), Step::Send);
        pauses.failed(&head, &unavailable(), NOW);
        assert_eq!(pauses.step(&head, NOW + TimeDelta::seconds(1)), Step::Hold);
        pauses.confirmed(&head);
        assert_eq!(pauses.step(&next, NOW), Step::Send);
        assert!(pauses.0.is_empty());
    }

    #[test]
    fn a_bus_that_was_away_holds_nobody_back() {
        let (held, waiting) = (row(1, 7), row(2, 8));
        let mut pauses = Pauses::default();
        pauses.failed(&held, &unavailable(), NOW);
        pauses.failed(&waiting, &PublishError::Waiting { failures: 1 }, NOW);
        pauses.bus_is_away();
        assert_eq!((pauses.step(&held, NOW), pauses.step(&waiting, NOW)), (Step::Send, Step::Skip));
    }

    #[test]
    fn a_waiting_consumer_holds_back_no_later_row() {
        let (head, next) = (row(1, 7), row(2, 7));
        let mut pauses = Pauses::default();
        pauses.failed(&head, &PublishError::Waiting { failures: 1 }, NOW);
        assert_eq!((pauses.step(&head, NOW), pauses.step(&next, NOW)), (Step::Skip, Step::Send));
        pauses.failed(&next, &PublishError::Waiting { failures: 0 }, NOW);
        assert_eq!(pauses.step(&next, NOW), Step::Send, "what only waits behind another has no pause of its own");
    }
}
