//! Families of refresh tokens (I8): at most one token lives; any other that is presented repeats that one, replaces it or ends the family.

use std::time::Duration;

use super::{Operation, Outcome, Record, Violation};

/// How long a spent token is answered with the same successor.
const REPEAT_WINDOW: Duration = Duration::from_secs(10);

/// Each token that was presented did one of the three.
pub fn check(records: &[&Record]) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (record, presented) in presentations(records).filter(|(record, _)| record.is_done()) {
        let rules = [
            (is_after_the_end(records, record), "a token of an ended family works"),
            (is_reuse(records, record, presented), "a token works whose successor was used"),
            (is_superseded(records, record, presented), "a token works that was replaced"),
            (is_another_too_soon(records, record, presented), "a repeated token got another successor at once"),
        ];
        let broken = rules.into_iter().filter(|(is_broken, _)| *is_broken);
        violations.extend(broken.map(|(_, how)| Violation::new("I8", record, how)));
    }
    violations
}

fn presentations<'a>(records: &[&'a Record]) -> impl Iterator<Item = (&'a Record, &'a str)> {
    records.iter().filter_map(|record| match &record.operation {
        Operation::Refresh { presented } => Some((*record, presented.as_str())),
        _ => None,
    })
}

/// A refusal ends the family, as a revocation does.
fn is_after_the_end(records: &[&Record], record: &Record) -> bool {
    let ends = |other: &&&Record| match other.operation {
        Operation::Refresh { .. } => other.outcome == Outcome::Refused,
        Operation::RevokeFamily => other.is_done(),
        _ => false,
    };
    records.iter().filter(ends).any(|end| end.is_before(record))
}

/// What a token was answered with.
fn successors<'a>(records: &[&'a Record], of: &str) -> impl Iterator<Item = &'a Record> {
    presentations(records)
        .filter(move |(record, presented)| record.is_done() && *presented == of)
        .map(|(record, _)| record)
}

fn is_reuse(records: &[&Record], record: &Record, presented: &str) -> bool {
    successors(records, presented).any(|issued| {
        presentations(records).any(|(used, token)| token == issued.said && used.is_done() && used.is_before(record))
    })
}

/// Whether its parent has been answered with another one since.
fn is_superseded(records: &[&Record], record: &Record, presented: &str) -> bool {
    presentations(records).filter(|(issued, _)| issued.is_done() && issued.said == presented).any(|(issued, parent)| {
        successors(records, parent)
            .any(|other| other.said != presented && issued.is_before(other) && other.is_before(record))
    })
}

/// Whether it was answered with something else less than the window ago. A presentation without an answer may have made that one.
fn is_another_too_soon(records: &[&Record], record: &Record, presented: &str) -> bool {
    let Some(ended) = record.ended else { return false };
    let others = successors(records, presented).filter(|other| other.said != record.said && other.is_before(record));
    others.into_iter().any(|other| {
        let made = presentations(records)
            .filter(|(maker, token)| {
                *token == presented && (maker.outcome == Outcome::Unknown || maker.said == other.said)
            })
            .map(|(maker, _)| maker.begun)
            .min();
        made.is_some_and(|made| ended.saturating_sub(made) <= REPEAT_WINDOW)
    })
}
