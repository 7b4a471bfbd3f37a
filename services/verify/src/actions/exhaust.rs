//! The end of a verification by wrong answers.

use tessera_common::clock::Timestamp;
use tessera_contracts::call::Failure;
use tessera_contracts::events::VerificationExhausted;

use crate::domain::verification::Verification;
use crate::events::published;
use crate::store::{delivery_rows, verification_rows};
use crate::verify::Verify;

/// Ends a verification whose last wrong answer this was: its code goes, its message is not sent any more, and others hear of it.
pub async fn if_exhausted(verify: &Verify, verification: &Verification, now: Timestamp) -> Result<(), Failure> {
    if verification.attempts_left() != Some(0) {
        return Ok(());
    }
    let mut tx = verify.db.begin().await?;
    if !verification_rows::exhaust(&mut tx, verification).await? {
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
