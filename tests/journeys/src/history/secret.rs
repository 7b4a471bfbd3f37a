//! One-time secrets: spent at most once (I4), guessed at no more often than the cap allows (I5), and not lost (I14).

use super::{Operation, Outcome, Record, Violation};

/// Wrong codes after which a verification is dead.
const CAP: usize = 5;

/// A code, link, token or challenge has had its effect at most once.
pub fn check_spent_once(records: &[&Record]) -> Vec<Violation> {
    let spent = records.iter().filter(|record| record.operation == Operation::Spend && record.is_done());
    spent.skip(1).map(|again| Violation::new("I4", again, "a one-time secret was spent again")).collect()
}

/// No more codes were compared than the cap allows, and the count never fell, over restarts too.
pub fn check_attempts(records: &[&Record]) -> Vec<Violation> {
    let compared: Vec<&Record> = records
        .iter()
        .copied()
        .filter(|record| record.operation == Operation::Compare && (record.is_done() || !record.said.is_empty()))
        .collect();
    let count = |record: &Record| record.said.parse::<usize>().ok();
    let beyond = compared.iter().skip(CAP).map(|record| Violation::new("I5", record, "a code too many was compared"));
    let told_beyond = compared
        .iter()
        .filter(|record| count(record).is_some_and(|count| count > CAP))
        .map(|record| Violation::new("I5", record, "more attempts were counted than there may be"));
    let fallen = compared.iter().filter(|record| {
        let counted = count(record);
        let fell = |before: &&Record| before.is_before(record) && counted.is_some() && count(before) >= counted;
        compared.iter().any(fell)
    });
    let fallen = fallen.map(|record| Violation::new("I5", record, "an attempt was not counted"));
    beyond.chain(told_beyond).chain(fallen).collect()
}

/// A secret is refused only after somebody may have spent it or guessed at it too often.
pub fn check_kept(records: &[&Record]) -> Vec<Violation> {
    let lost = |record: &&&Record| {
        let before = |operation: Operation| {
            let is_it = move |other: &&Record| other.operation == operation && other.begun < record.begun;
            records.iter().copied().filter(is_it)
        };
        record.operation == Operation::Spend
            && record.outcome == Outcome::Refused
            && !records.iter().any(|other| other.operation == Operation::Spend && other.may_affect(record))
            && before(Operation::Compare).count() < CAP
    };
    let lost = records.iter().filter(lost);
    lost.map(|record| Violation::new("I14", record, "a secret is refused that nobody spent")).collect()
}
