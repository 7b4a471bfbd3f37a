//! Sending a sibling's message again: the same one, and neither what was answered so far nor the deadline changes.

use tessera_common::clock::Timestamp;
use tessera_contracts::call::Failure;
use tessera_contracts::sibling::Sibling;
use tessera_contracts::verify::{Resend, Resent};
use tessera_storage::Session;
use uuid::Uuid;

use super::count_message::{SentBy, count_message};
use super::platform::recipient;
use super::queue::{self, Parcel};
use super::sealed_message;
use crate::domain::counting::Limited;
use crate::domain::verification::PLATFORM;
use crate::store::sibling_rows::{self, Own, Tried};
use crate::store::verification_rows::{self, Opened};
use crate::verify::Verify;

/// Queues the message of a live verification again. What was said to an `op` is said to it again.
#[tracing::instrument(name = "verify.platform.resend", skip_all)]
pub async fn resend(verify: &Verify, sibling: Sibling, given: Resend) -> Result<Resent, Failure> {
    let now = verify.clock.now();
    let id = given.id.to_string();
    let own = Own { sibling, id: &id, holder: &given.holder };
    let mut tx = verify.db.begin().await?;
    if let Some(outcome) = outcome(&mut tx, given.op, own, now).await? {
        return Ok(outcome);
    }
    let Some(begun) = sibling_rows::find(&mut tx, own).await? else { return Ok(Resent::Unknown) };
    let key = own.key(begun.method);
    let found = verification_rows::find_live(&mut tx, key, now).await?;
    let Some((found, sealed)) = found.and_then(|mut found| found.sealed_code.take().map(|sealed| (found, sealed)))
    else {
        return Ok(Resent::Unknown);
    };
    let Some(recipient) = recipient(verify, begun.method, &found.consumer)? else { return Ok(Resent::Unknown) };
    let tried = |limited_until| Tried { op: given.op, verification: found.row_id, limited_until };
    // Before it is counted: of several calls with one `op` at once, those that are not first are answered.
    if !sibling_rows::note(&mut tx, tried(None)).await? {
        drop(tx);
        return noted(verify, given.op, own, now).await;
    }
    let by = SentBy::Platform { must_go: false };
    if let Err(limited) = count_message(verify, &mut tx, by, &recipient, now).await? {
        // With this every count goes that was made before the one that refused.
        drop(tx);
        sibling_rows::note(&mut verify.db.write().await?, tried(Some(now + limited.wait))).await?;
        return noted(verify, given.op, own, now).await;
    }
    let parcel = Parcel {
        of: Opened { row_id: found.row_id, generation: found.generation },
        channel: recipient.channel(),
        destination: recipient.destination().to_owned(),
        message: sealed_message::open(verify, key, &sealed)?,
    };
    queue::queue(verify, &mut tx, parcel, now).await?;
    tx.commit().await?;
    verify.queued.send_replace(());
    tracing::info!(verify.tenant = PLATFORM, verify.id = id, "verification.resend");
    Ok(Resent::Queued { expires_at: found.deadline })
}

/// What was said to an `op` that somebody has noted.
async fn noted(verify: &Verify, op: Uuid, own: Own<'_>, now: Timestamp) -> Result<Resent, Failure> {
    let said = outcome(&mut verify.db.read().await?, op, own, now).await?;
    said.ok_or_else(|| Failure::Misused("the op is in use for another verification"))
}

async fn outcome(session: &mut impl Session, op: Uuid, own: Own<'_>, now: Timestamp) -> sqlx::Result<Option<Resent>> {
    let tried = sibling_rows::tried(session, op, own).await?;
    Ok(tried.map(|(expires_at, limited_until)| match limited_until {
        Some(until) => Resent::Limited { retry_after: Limited::seconds(until - now) },
        None => Resent::Queued { expires_at },
    }))
}
