//! How far each consumer of the in-process bus is with the messages that are under way.
//!
//! Kept in memory only: after a restart unconfirmed messages are delivered anew, and the inboxes drop what was applied.

use std::collections::HashMap;
use std::fmt::Display;

use uuid::Uuid;

use crate::bus::{Confirmed, DeadLetter, PublishError};
use crate::consumer::{LIMIT, exhausted};
use crate::envelope::Envelope;

/// A consumer's name.
type Name = &'static str;

#[derive(Debug)]
enum State {
    Failing(u32),
    Taken,
    Dead(String),
}

/// The progress of every message that some consumer has not settled.
#[derive(Debug, Default)]
pub(crate) struct Deliveries {
    under_way: HashMap<Uuid, HashMap<Name, State>>,
    /// The oldest message of an aggregate that a consumer still fails to take: later ones wait behind it, for it alone.
    heads: HashMap<(Name, Uuid), (i64, Uuid)>,
}

impl Deliveries {
    /// Whether to hand `envelope` to `consumer` now.
    pub(crate) fn wants(&self, consumer: Name, envelope: &Envelope) -> bool {
        let settled = matches!(self.state(consumer, envelope), Some(State::Taken | State::Dead(_)));
        let behind = self
            .heads
            .get(&(consumer, envelope.aggregate))
            .is_some_and(|(version, id)| *id != envelope.id && *version < envelope.version);
        !settled && !behind
    }

    /// The consumer has taken it.
    pub(crate) fn taken(&mut self, consumer: Name, envelope: &Envelope) {
        self.settle(consumer, envelope, State::Taken);
    }

    /// The consumer will never take it.
    pub(crate) fn dead(&mut self, consumer: Name, envelope: &Envelope, reason: String) {
        self.settle(consumer, envelope, State::Dead(reason));
    }

    /// A delivery failed; the last allowed one makes it dead.
    pub(crate) fn failed(&mut self, consumer: Name, envelope: &Envelope, error: &dyn Display) {
        let failures = self.failures(consumer, envelope).saturating_add(1);
        if failures >= LIMIT {
            self.dead(consumer, envelope, exhausted(failures, error));
            return;
        }
        self.under_way.entry(envelope.id).or_default().insert(consumer, State::Failing(failures));
        let head = self.heads.entry((consumer, envelope.aggregate)).or_insert((envelope.version, envelope.id));
        if envelope.version < head.0 {
            *head = (envelope.version, envelope.id);
        }
    }

    /// Confirms when all `consumers` have settled, and then forgets the message.
    pub(crate) fn confirm(&mut self, consumers: &[Name], envelope: &Envelope) -> Result<Confirmed, PublishError> {
        let settled = |consumer: &Name| matches!(self.state(consumer, envelope), Some(State::Taken | State::Dead(_)));
        if !consumers.iter().all(settled) {
            let failures = consumers.iter().map(|consumer| self.failures(consumer, envelope)).max().unwrap_or(0);
            return Err(PublishError::Waiting { failures });
        }
        // Of consumers that are no longer there, too.
        self.heads.retain(|_, (_, id)| *id != envelope.id);
        let dead_letters = self.under_way.remove(&envelope.id).into_iter().flatten().filter_map(|(consumer, state)| {
            if let State::Dead(reason) = state { Some(DeadLetter { consumer, reason }) } else { None }
        });
        Ok(Confirmed { dead_letters: dead_letters.collect() })
    }

    fn state(&self, consumer: Name, envelope: &Envelope) -> Option<&State> {
        self.under_way.get(&envelope.id).and_then(|states| states.get(consumer))
    }

    fn failures(&self, consumer: Name, envelope: &Envelope) -> u32 {
        if let Some(State::Failing(failures)) = self.state(consumer, envelope) { *failures } else { 0 }
    }

    fn settle(&mut self, consumer: Name, envelope: &Envelope, state: State) {
        self.under_way.entry(envelope.id).or_default().insert(consumer, state);
        let key = (consumer, envelope.aggregate);
        if self.heads.get(&key).is_some_and(|(_, id)| *id == envelope.id) {
            self.heads.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn envelope(id: u128, version: i64) -> Envelope {
        Envelope {
            id: Uuid::from_u128(id),
            source: "test".to_owned(),
            event_type: "test.v1.Happened".to_owned(),
            aggregate: Uuid::from_u128(99),
            version,
            time: chrono::DateTime::UNIX_EPOCH,
            trace: None,
            body: Vec::new(),
        }
    }

    #[test]
    fn later_messages_wait_behind_a_failing_one_for_that_consumer_alone() {
        let (first, second) = (envelope(1, 1), envelope(2, 2));
        let mut deliveries = Deliveries::default();
        deliveries.failed("a", &first, &"down");
        assert!(deliveries.wants("a", &first) && !deliveries.wants("a", &second));
        assert!(deliveries.wants("b", &second));
        deliveries.taken("a", &first);
        assert!(!deliveries.wants("a", &first) && deliveries.wants("a", &second));
    }

    #[test]
    fn the_fifth_failure_is_the_last_and_keeps_its_reason() {
        let message = envelope(1, 1);
        let mut deliveries = Deliveries::default();
        for failures in 1..LIMIT {
            deliveries.failed("a", &message, &"down");
            assert!(matches!(
                deliveries.confirm(&["a"], &message),
                Err(PublishError::Waiting { failures: told }) if told == failures
            ));
        }
        deliveries.failed("a", &message, &"down");
        let confirmed = deliveries.confirm(&["a"], &message).unwrap();
        assert_eq!(confirmed.dead_letters[0].reason, "5 deliveries failed, the last: down");
        assert!(deliveries.under_way.is_empty() && deliveries.heads.is_empty());
    }

    #[test]
    fn a_message_is_confirmed_when_the_last_consumer_has_it() {
        let message = envelope(1, 1);
        let mut deliveries = Deliveries::default();
        deliveries.taken("a", &message);
        assert!(deliveries.confirm(&["a", "b"], &message).is_err());
        deliveries.taken("b", &message);
        assert!(deliveries.confirm(&["a", "b"], &message).unwrap().dead_letters.is_empty());
    }
}
