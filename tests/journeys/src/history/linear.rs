//! Whether there is an order in which operations, one at a time, explain what their callers saw.
//!
//! The order must keep every operation that was over before another began before it. One without an answer comes somewhere after it
//! began, or never.

use std::collections::HashSet;
use std::hash::Hash;

use super::{Outcome, Record};

/// More than any history of one key needs whose callers wait for answers.
const STATES: usize = 1_000_000;

/// Something that operations change one at a time.
pub trait Model: Clone + Eq + Hash {
    /// What it is after an operation with that outcome, [`Outcome::Done`] or [`Outcome::Refused`]; `None` if that cannot come of it now.
    fn after(&self, record: &Record, outcome: Outcome) -> Option<Self>;
}

/// Looks for an order from `initial` on. If there is none: the record that stops the longest attempt.
pub fn explain<'a, M: Model>(records: &[&'a Record], initial: M) -> Result<(), &'a Record> {
    let answered = records.iter().filter(|record| record.outcome != Outcome::Unknown).count();
    let mut seen = HashSet::new();
    let mut open = vec![(vec![false; records.len()], initial)];
    let mut furthest: Option<(usize, &Record)> = None;
    while let Some((placed, state)) = open.pop() {
        let next = |number: &usize| !placed[*number];
        let first_to_end = (0..records.len())
            .filter(next)
            .map(|number| records[number])
            .filter(|record| record.ended.is_some())
            .min_by_key(|record| record.ended);
        let Some(first_to_end) = first_to_end else { return Ok(()) };
        let so_far =
            answered - (0..records.len()).filter(next).filter(|number| records[*number].ended.is_some()).count();
        if furthest.is_none_or(|(most, _)| so_far > most) {
            furthest = Some((so_far, first_to_end));
        }
        // The last that is pushed is looked at first: answered ones before those that may never have been, the first to end first.
        let mut candidates: Vec<usize> =
            (0..records.len()).filter(next).filter(|number| !first_to_end.is_before(records[*number])).collect();
        candidates.sort_by_key(|number| std::cmp::Reverse((records[*number].ended.is_none(), records[*number].ended)));
        for number in candidates {
            let record = records[number];
            let outcome = if record.outcome == Outcome::Unknown { Outcome::Done } else { record.outcome };
            let Some(after) = state.after(record, outcome) else { continue };
            let mut placed = placed.clone();
            placed[number] = true;
            if seen.insert((placed.clone(), after.clone())) {
                open.push((placed, after));
            }
        }
        assert!(seen.len() < STATES, "too many callers at once on {}", first_to_end.key);
    }
    furthest.map_or(Ok(()), |(_, record)| Err(record))
}
