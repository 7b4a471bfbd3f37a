//! What a row has measured.

use std::fmt;
use std::time::Duration;

use tessera_journeys::{History, Operation, Outcome, Record, eventually};

/// A call without an answer that began longer ago is lost.
const FRESH: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);

/// A kind of work that callers do.
pub type Work = (&'static str, fn(&Record) -> bool);

/// Everything the load does; each must go on after a fault.
pub const WORKS: [Work; 6] = [
    ("sign-up", |record| matches!(record.operation, Operation::SignUp { .. })),
    ("sign-in", |record| matches!(record.operation, Operation::SignIn { .. })),
    ("password change", |record| matches!(record.operation, Operation::ChangePassword { .. })),
    ("session end", |record| matches!(record.operation, Operation::EndSession { .. } | Operation::Revoke)),
    ("mint", |record| record.operation == Operation::Use && record.key.starts_with("sess_")),
    ("code", |record| matches!(record.operation, Operation::Spend | Operation::Compare)),
];

/// Whether a wrong code was judged, which is as good as an acknowledgement.
pub fn is_compared(record: &Record) -> bool {
    record.operation == Operation::Compare && !record.said.is_empty()
}

/// Waits until a call is under way that does this kind of work.
pub async fn under_way(history: &History, work: &str) {
    let (what, is_it) = WORKS.into_iter().find(|(name, _)| *name == work).expect("a kind of work");
    let begun = async || {
        let since = history.elapsed().saturating_sub(FRESH);
        let records = history.records();
        records.iter().any(|record| is_it(record) && record.ended.is_none() && record.begun > since).then_some(())
    };
    eventually(what, PATIENCE, begun).await;
}

/// When each kind of work was first acknowledged again that began after a moment; `None` for one that was not yet.
pub fn recovery(history: &History, ended: Duration) -> [Option<Duration>; WORKS.len()] {
    let records = history.records();
    WORKS.map(|(_, is_it)| {
        let again = |record: &&Record| {
            is_it(record) && record.begun >= ended && (record.outcome == Outcome::Done || is_compared(record))
        };
        records.iter().filter(again).filter_map(|record| record.ended).min().map(|at| at.saturating_sub(ended))
    })
}

/// The sum of some rounds in which nothing was lost and nothing doubled.
#[derive(Debug, Default)]
pub struct Figures {
    pub rounds: usize,
    pub acknowledged: usize,
    pub unknown: usize,
    /// The longest of each kind of work.
    pub recovery: [Duration; WORKS.len()],
    /// The longest that any call took.
    pub slowest: Duration,
}

impl Figures {
    /// Adds a round.
    pub fn add(&mut self, history: &History, recovered: [Duration; WORKS.len()]) {
        let records = history.records();
        let with = |outcome| records.iter().filter(|record| record.outcome == outcome).count();
        self.rounds += 1;
        self.acknowledged += with(Outcome::Done) + records.iter().filter(|record| is_compared(record)).count();
        self.unknown += with(Outcome::Unknown);
        let took = records.iter().filter_map(|record| Some(record.ended?.saturating_sub(record.begun)));
        self.slowest = took.max().unwrap_or_default().max(self.slowest);
        for (worst, this) in self.recovery.iter_mut().zip(recovered) {
            *worst = this.max(*worst);
        }
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rounds, acknowledged, unknown, recovery, slowest } = self;
        write!(out, "{rounds} rounds; {acknowledged} acknowledged, {unknown} without a promise; ")?;
        write!(out, "0 lost, 0 doubled; slowest call {:.2} s; again after", slowest.as_secs_f64())?;
        let works = WORKS.iter().zip(recovery).map(|((name, _), took)| format!("{name} {:.2} s", took.as_secs_f64()));
        write!(out, " {}", works.collect::<Vec<_>>().join(", "))
    }
}
