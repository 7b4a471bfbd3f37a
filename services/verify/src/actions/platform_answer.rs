//! Judging a factor of one of the platform's own users: for a sibling, which has counted the attempt, and gives it an id.

use secrecy::ExposeSecret as _;
use tessera_common::clock::Timestamp;
use tessera_contracts::call::Failure;
use tessera_contracts::verify::{FactorAnswer, Verdict};
use tessera_storage::Tx;

use super::proof::{Expected, Right};
use crate::domain::counting::WRONG_PER_SUBJECT;
use crate::domain::method::Method;
use crate::domain::purpose_group::PurposeGroup;
use crate::domain::verification::{Owner, PLATFORM};
use crate::store::answer_rows::{self, NewAnswer};
use crate::store::counter_rows::{self, Counter};
use crate::verify::Verify;

/// An attempt has one answer, so a wrong one is its last. How many attempts there are is for the caller to say.
const WRONG: Verdict = Verdict::Wrong { attempts: 1, left: None };

/// Judges an answer. It is counted as wrong, and that is committed, before it is compared. The same attempt with the same code is not
/// counted again, and learns what became of it; with another code it is not compared.
#[tracing::instrument(name = "verify.platform.answer", skip_all)]
pub async fn judge(verify: &Verify, method: Method, given: &FactorAnswer) -> Result<Verdict, Failure> {
    let now = verify.clock.now();
    let user = given.user.to_string();
    let owner = Owner { tenant: PLATFORM, consumer: &user };
    let (expected, counted_at) = match keep(verify, method, owner, given, now).await? {
        Ok(kept) => kept,
        Err(verdict) => return Ok(verdict),
    };
    let verdict = match expected.compare(verify, owner, &given.code, now)? {
        Some(right) => spend(verify, owner, given, &right, (counted_at, now)).await?,
        None => WRONG,
    };
    tracing::info!(user.id = user, verify.method = method.name(), ?verdict, "factor.answer");
    Ok(verdict)
}

/// Keeps the answer and counts it, and commits, and answers what to compare it with and when it was counted; or says what there is to say
/// without comparing it.
async fn keep(
    verify: &Verify,
    method: Method,
    owner: Owner<'_>,
    given: &FactorAnswer,
    now: Timestamp,
) -> Result<Result<(Expected<'static>, Timestamp), Verdict>, Failure> {
    let attempt = given.attempt.to_string();
    let (place, code) = (["answers", &attempt], given.code.expose_secret().as_bytes());
    let new = NewAnswer {
        id: given.attempt.uuid(),
        consumer: owner.consumer.to_owned(),
        method,
        digest: verify.answers.digest(&place, code),
    };
    let mut tx = verify.db.begin().await?;
    let Some(expected) = Expected::of_user(&mut tx, method, owner).await? else { return Ok(Err(Verdict::Unknown)) };
    if answer_rows::keep(&mut tx, &new, now).await? {
        let kind = PurposeGroup::Factor.counted_for(None).wrong();
        if counter_rows::count(&mut tx, counter(owner, &kind), WRONG_PER_SUBJECT, now).await?.is_err() {
            // Nothing was compared, so nothing is worth trying until the user's hour is over.
            return Ok(Err(Verdict::Wrong { attempts: 1, left: Some(0) }));
        }
        tx.commit().await?;
        return Ok(Ok((expected, now)));
    }
    let Some(known) = answer_rows::find(&mut tx, new.id).await? else { return Ok(Err(Verdict::Unknown)) };
    if known.consumer != new.consumer || known.method != method.name() {
        return Ok(Err(Verdict::Unknown));
    }
    if !verify.answers.matches(&place, code, &known.digest) {
        return Ok(Err(WRONG));
    }
    Ok(if known.is_proved { Err(Verdict::ProvedBefore) } else { Ok((expected, known.answered_at)) })
}

/// Uses up what was right, and notes which attempt has.
async fn spend(
    verify: &Verify,
    owner: Owner<'_>,
    given: &FactorAnswer,
    right: &Right,
    (counted_at, now): (Timestamp, Timestamp),
) -> Result<Verdict, Failure> {
    let mut tx: Tx = verify.db.begin().await?;
    if !answer_rows::prove(&mut tx, given.attempt.uuid(), now).await? {
        return Ok(Verdict::ProvedBefore);
    }
    if !right.use_up(&mut tx, owner, false, now).await? {
        // Rolled back: somebody else has used it.
        return Ok(WRONG);
    }
    let kind = PurposeGroup::Factor.counted_for(None).wrong();
    counter_rows::take_back(&mut tx, counter(owner, &kind), WRONG_PER_SUBJECT, counted_at).await?;
    tx.commit().await?;
    Ok(Verdict::Proved)
}

fn counter<'a>(owner: Owner<'a>, kind: &'a str) -> Counter<'a> {
    Counter { tenant: owner.tenant, subject: owner.consumer, kind }
}
