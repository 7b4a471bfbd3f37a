//! Ending what was left behind and deleting what has ended, in small batches, so that nobody waits for it.

use chrono::TimeDelta;
use tessera_contracts::call::Failure;

use super::exhaust;
use crate::store::{answer_rows, authenticator_rows, counter_rows, resend_rows, verification_rows};
use crate::verify::Verify;

/// Rows of one statement that deletes many.
const BATCH: i64 = 200;

/// How long an ended verification stays: a call that is repeated late finds its id used.
const KEPT: TimeDelta = TimeDelta::days(1);

/// Ends verifications whose last answer nobody has judged. Deletes those that ended a day ago, with their messages and what they gave out
/// without effect, answers of siblings as old, and counters whose window is over; and codes that cannot be sent again any more.
#[tracing::instrument(name = "verify.sweep", skip_all)]
pub async fn sweep(verify: &Verify) -> Result<(), Failure> {
    let now = verify.clock.now();
    while exhaust::left(verify, now, BATCH).await? > 0 {}
    while resend_rows::erase_ended(&mut verify.db.write().await?, now, BATCH).await? > 0 {}
    while verification_rows::sweep(&mut verify.db.write().await?, now - KEPT, BATCH).await? > 0 {}
    while authenticator_rows::sweep(&mut verify.db.write().await?, now - KEPT, BATCH).await? > 0 {}
    while authenticator_rows::sweep_empty(&mut verify.db.write().await?, BATCH).await? > 0 {}
    while answer_rows::sweep(&mut verify.db.write().await?, now - KEPT, BATCH).await? > 0 {}
    while counter_rows::sweep(&mut verify.db.write().await?, now, BATCH).await? > 0 {}
    Ok(())
}
