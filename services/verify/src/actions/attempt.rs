//! Judging a code.

use secrecy::SecretString;
use tessera_common::clock::Timestamp;
use tessera_contracts::call::Failure;
use tessera_storage::Tx;

use super::exhaust::if_exhausted;
use super::proof::{Expected, Right};
use super::tally;
use crate::domain::counting::{Limited, WRONG_PER_SUBJECT};
use crate::domain::verification::{Form, Key, PLATFORM, Verification};
use crate::store::counter_rows::{self, Counter};
use crate::store::sibling_rows::{self, Own};
use crate::store::{delivery_rows, verification_rows};
use crate::verify::Verify;

/// What an answer was worth.
#[derive(Debug)]
pub enum Judged {
    /// Right, and spent by this call, if it spends.
    Right(Verification),
    /// Right, and spent before: only a sibling is told.
    RightBefore(Verification),
    /// Wrong, and counted.
    Wrong(Verification),
    /// Not compared: the subject had too many wrong answers.
    Limited(Limited, Verification),
    /// There is no such verification that takes answers.
    Unknown,
}

/// Which verification an answer is to.
#[derive(Clone, Copy, Debug)]
pub enum To<'a> {
    /// A tenant's.
    Tenants(Key<'a>),
    /// A sibling's, which does not say by which method.
    Siblings(Own<'a>),
}

/// An answer to a verification.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// What was answered; `None` is an answer that cannot be right.
    pub code: Option<&'a SecretString>,
    /// Whether a right answer drops the consumer's authenticator or backup codes.
    pub removes_secret: bool,
}

/// Judges an answer. It is counted as wrong, and that is committed, before it is compared, so that no number of answers at once is
/// compared more often than the cap allows.
#[tracing::instrument(name = "verify.attempt", skip_all)]
pub async fn attempt(verify: &Verify, to: To<'_>, answer: Answer<'_>) -> Result<Judged, Failure> {
    let now = verify.clock.now();
    let judged = match compare(verify, to, answer.code, now).await? {
        Ok((verification, right)) => spend(verify, verification, &right, answer.removes_secret, now).await?,
        Err(judged) => judged,
    };
    conclude(verify, to, &judged).await?;
    Ok(judged)
}

/// The same, but a right answer is not spent, nor counted.
#[tracing::instrument(name = "verify.check", skip_all)]
pub async fn check(verify: &Verify, to: To<'_>, code: &SecretString) -> Result<Judged, Failure> {
    let now = verify.clock.now();
    let judged = match compare(verify, to, Some(code), now).await? {
        Ok((verification, _)) => not_spent(verify, verification, now).await?,
        Err(judged) => judged,
    };
    conclude(verify, to, &judged).await?;
    Ok(judged)
}

/// Ends what the answer has exhausted, and says what it was worth.
async fn conclude(verify: &Verify, to: To<'_>, judged: &Judged) -> Result<(), Failure> {
    if let Judged::Wrong(verification) = judged {
        if_exhausted(verify, verification, verify.clock.now()).await?;
    }
    let (verdict, verification) = match judged {
        Judged::Right(verification) => ("proved", verification),
        Judged::RightBefore(verification) => ("proved_before", verification),
        Judged::Wrong(verification) => ("wrong", verification),
        Judged::Limited(_, verification) => ("limited", verification),
        Judged::Unknown => {
            unknown(to);
            return Ok(());
        }
    };
    tally::answered(Some(verification.method), verdict);
    tracing::info!(verify.tenant = verification.tenant, verify.id = verification.id, verdict, "verification.attempt");
    Ok(())
}

/// Says that there is no such verification. The id is then anything that somebody has sent, and stays out of the log.
fn unknown(to: To<'_>) {
    let verdict = "unknown";
    let (tenant, method) = match to {
        To::Tenants(key) => (key.tenant, Some(key.method)),
        To::Siblings(_) => (PLATFORM, None),
    };
    tally::answered(method, verdict);
    tracing::info!(verify.tenant = tenant, verdict, "verification.attempt");
}

/// What was right about an answer, and in which verification; else what there is to say.
async fn compare(
    verify: &Verify,
    to: To<'_>,
    code: Option<&SecretString>,
    now: Timestamp,
) -> Result<Result<(Verification, Right), Judged>, Failure> {
    let (verification, expected) = match count(verify, to, now).await? {
        Ok(counted) => counted,
        Err(refused) => return Ok(Err(refused)),
    };
    let right = match code {
        Some(code) => expected.compare(verify, verification.owner(), code, now)?,
        None => None,
    };
    Ok(match right {
        Some(right) => Ok((verification, right)),
        None => Err(Judged::Wrong(verification)),
    })
}

/// Counts the answer against its verification and its subject, and commits. A consumer without the secret that is asked for has
/// nothing to be compared with: then nothing is counted.
async fn count<'a>(
    verify: &Verify,
    to: To<'a>,
    now: Timestamp,
) -> Result<Result<(Verification, Expected<'a>), Judged>, Failure> {
    let mut tx = verify.db.begin().await?;
    let counted = match to {
        To::Tenants(key) => verification_rows::count_attempt(&mut tx, key, now).await?,
        To::Siblings(own) => sibling_rows::count_attempt(&mut tx, own, now).await?,
    };
    let Some(verification) = counted else { return Ok(Err(Judged::Unknown)) };
    // Guessing a long code is hopeless: counting would only let somebody spoil the subject's other codes.
    if verification.form == Form::Short {
        let kind = verification.purpose_group.wrong();
        if let Err(limited) =
            counter_rows::count(&mut tx, counter(&verification, &kind), WRONG_PER_SUBJECT, now).await?
        {
            return Ok(Err(Judged::Limited(limited, verification)));
        }
    }
    let key = match to {
        To::Tenants(key) => key,
        To::Siblings(own) => own.key(verification.method),
    };
    let Some(expected) = Expected::load(&mut tx, key, &verification).await? else {
        return Ok(Err(Judged::Unknown));
    };
    tx.commit().await?;
    Ok(Ok((verification, expected)))
}

/// Spends a verification, and what was right about the answer, in one transaction. Of several who come with it at once, one does.
async fn spend(
    verify: &Verify,
    verification: Verification,
    right: &Right,
    removes_secret: bool,
    now: Timestamp,
) -> Result<Judged, Failure> {
    let mut tx = verify.db.begin().await?;
    let judged = if verification_rows::prove(&mut tx, &verification, now).await? {
        if !right.use_up(&mut tx, verification.owner(), removes_secret, now).await? {
            // Rolled back: it was right once, and is not any more.
            return Ok(Judged::Wrong(verification));
        }
        delivery_rows::cancel(&mut tx, verification.row_id).await?;
        Judged::Right(Verification { attempts: verification.attempts - 1, ..verification.clone() })
    } else if verification_rows::proved_before(&mut tx, &verification, now).await? {
        Judged::RightBefore(verification.clone())
    } else {
        Judged::Unknown
    };
    take_back(&mut tx, &verification, now).await?;
    tx.commit().await?;
    Ok(judged)
}

/// Takes back what a right answer was counted as.
async fn not_spent(verify: &Verify, verification: Verification, now: Timestamp) -> Result<Judged, Failure> {
    let mut tx = verify.db.begin().await?;
    let state = verification_rows::not_counted(&mut tx, &verification).await?;
    take_back(&mut tx, &verification, now).await?;
    tx.commit().await?;
    Ok(match state.as_deref() {
        Some("live") => Judged::Right(Verification { attempts: verification.attempts - 1, ..verification }),
        Some("proved") => Judged::RightBefore(verification),
        _ => Judged::Unknown,
    })
}

/// What was counted against the subject at `counted_at` was no wrong answer.
async fn take_back(tx: &mut Tx, verification: &Verification, counted_at: Timestamp) -> sqlx::Result<()> {
    if verification.form == Form::Long {
        return Ok(());
    }
    let kind = verification.purpose_group.wrong();
    counter_rows::take_back(tx, counter(verification, &kind), WRONG_PER_SUBJECT, counted_at).await
}

fn counter<'a>(verification: &'a Verification, kind: &'a str) -> Counter<'a> {
    Counter { tenant: &verification.tenant, subject: &verification.subject, kind }
}
