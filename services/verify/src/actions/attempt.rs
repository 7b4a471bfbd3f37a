//! Judging a code.

use secrecy::SecretString;
use tessera_common::clock::Timestamp;
use tessera_contracts::call::Failure;

use crate::domain::counting::{Limited, WRONG_PER_SUBJECT};
use crate::domain::verification::{Form, Key, Verification};
use crate::store::counter_rows::{self, Counter};
use crate::store::{delivery_rows, verification_rows};
use crate::verify::Verify;

/// What an answer was worth.
#[derive(Debug)]
pub enum Judged {
    /// Right, and spent by this call.
    Right(Verification),
    /// Right, and spent before: only a sibling is told.
    RightBefore,
    /// Wrong, and counted.
    Wrong(Verification),
    /// Not compared: the subject had too many wrong answers.
    Limited(Limited, Verification),
    /// There is no such verification that takes answers.
    Unknown,
}

/// Judges an answer; `None` is one that cannot be right. It is counted as wrong, and that is committed, before it is compared, so
/// that no number of answers at once is compared more often than the cap allows.
#[tracing::instrument(name = "verify.attempt", skip_all)]
pub async fn attempt(verify: &Verify, key: Key<'_>, answer: Option<&SecretString>) -> Result<Judged, Failure> {
    let now = verify.clock.now();
    let verification = match count(verify, key, now).await? {
        Ok(verification) => verification,
        Err(refused) => return Ok(refused),
    };
    let is_right = answer.is_some_and(|code| verify.is_right(key, code, &verification.code_digest));
    let judged = if is_right { spend(verify, verification, now).await? } else { Judged::Wrong(verification) };
    let verdict = match judged {
        Judged::Right(_) => "proved",
        Judged::RightBefore => "proved_before",
        Judged::Wrong(_) => "wrong",
        Judged::Limited(..) | Judged::Unknown => "unknown",
    };
    tracing::info!(verify.tenant = key.tenant, verify.id = key.id, verdict, "verification.attempt");
    Ok(judged)
}

/// Counts the answer against its verification and its subject, and commits.
async fn count(verify: &Verify, key: Key<'_>, now: Timestamp) -> Result<Result<Verification, Judged>, Failure> {
    let mut tx = verify.db.begin().await?;
    let Some(verification) = verification_rows::count_attempt(&mut tx, key, now).await? else {
        return Ok(Err(Judged::Unknown));
    };
    // Guessing a long code is hopeless: counting would only let somebody spoil the subject's other codes.
    if verification.form == Form::Short {
        let kind = kind(&verification);
        if let Err(limited) =
            counter_rows::count(&mut tx, counter(&verification, &kind), WRONG_PER_SUBJECT, now).await?
        {
            return Ok(Err(Judged::Limited(limited, verification)));
        }
    }
    tx.commit().await?;
    Ok(Ok(verification))
}

/// Spends a verification whose code was right. Of several who come with it at once, one does.
async fn spend(verify: &Verify, verification: Verification, now: Timestamp) -> Result<Judged, Failure> {
    let mut tx = verify.db.begin().await?;
    let judged = if verification_rows::prove(&mut tx, &verification, now).await? {
        delivery_rows::cancel(&mut tx, verification.row_id).await?;
        Judged::Right(Verification { attempts: verification.attempts - 1, ..verification.clone() })
    } else if verification_rows::proved_before(&mut tx, &verification, now).await? {
        Judged::RightBefore
    } else {
        Judged::Unknown
    };
    if verification.form == Form::Short {
        let kind = kind(&verification);
        counter_rows::take_back(&mut tx, counter(&verification, &kind)).await?;
    }
    tx.commit().await?;
    Ok(judged)
}

fn kind(verification: &Verification) -> String {
    format!("wrong {}", verification.purpose_group)
}

fn counter<'a>(verification: &'a Verification, kind: &'a str) -> Counter<'a> {
    Counter { tenant: &verification.tenant, subject: &verification.subject, kind }
}
