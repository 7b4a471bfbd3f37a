//! The end of a verification by wrong answers.

use chrono::TimeDelta;
use tessera_common::clock::Timestamp;
use tessera_contracts::call::Failure;
use tessera_contracts::events::VerificationExhausted;

use crate::domain::verification::Verification;
use crate::events::published;
use crate::store::{delivery_rows, exhausted_rows};
use crate::verify::Verify;

/// How long an answer is left to whoever counted it: longer than judging it takes.
const JUDGED_IN: TimeDelta = TimeDelta::minutes(1);

/// Ends a verification whose last wrong answer this was: its code goes, its message is not sent any more, and others hear of it.
pub async fn if_exhausted(verify: &Verify, verification: &Verification, now: Timestamp) -> Result<(), Failure> {
    if verification.attempts_left() != Some(0) {
        return Ok(());
    }
    let mut tx = verify.db.begin().await?;
    if !exhausted_rows::exhaust(&mut tx, verification).await? {
        return Ok(());
    }
    delivery_rows::cancel(&mut tx, verification.row_id).await?;
    let event = VerificationExhausted::new(
        verification.row_id,
        verification.generation,
        published::verification(verification),
        now,
    );
    verify.outbox.emit(&mut tx, now, &verify.random, &event).await?;
    tx.commit().await?;
    verify.committed();
    tracing::info!(verify.tenant = verification.tenant, verify.id = verification.id, "verification.exhausted");
    Ok(())
}

/// Ends some verifications whose last answer was counted by a process that was stopped before it had judged it; answers how many.
pub async fn left(verify: &Verify, now: Timestamp, limit: i64) -> Result<usize, Failure> {
    let left = exhausted_rows::left(&mut verify.db.read().await?, now - JUDGED_IN, limit).await?;
    for verification in &left {
        if_exhausted(verify, verification, now).await?;
    }
    Ok(left.len())
}
