//! Credentials (I6, I14): revoked stays revoked, and nothing else ends one.

use super::{Operation, Outcome, Record, Violation};

/// A credential works until it is revoked, and never after.
pub fn check(records: &[&Record]) -> Vec<Violation> {
    let of = |operation: Operation| records.iter().copied().filter(move |record| record.operation == operation);
    let mut violations = Vec::new();
    for used in of(Operation::Use) {
        let revoked_before = of(Operation::Revoke).any(|revoked| revoked.is_done() && revoked.is_before(used));
        let refused_before = of(Operation::Use).any(|other| other.outcome == Outcome::Refused && other.is_before(used));
        let may_be_revoked = of(Operation::Revoke).any(|revoked| revoked.may_affect(used));
        match used.outcome {
            Outcome::Done if revoked_before => {
                violations.push(Violation::new("I6", used, "a revoked credential works"))
            }
            Outcome::Done if refused_before => {
                violations.push(Violation::new("I6", used, "a credential works again that was refused"));
            }
            Outcome::Refused if !may_be_revoked => {
                violations.push(Violation::new("I14", used, "a credential is refused that nobody revoked"));
            }
            _ => {}
        }
    }
    violations
}
