//! Judging a code.

use secrecy::SecretString;
use tessera_common::clock::Timestamp;
use tessera_contracts::call::Failure;

use super::exhaust::if_exhausted;
use super::proof::{Expected, Right};
use super::tally;
use crate::domain::counting::{Limited, WRONG_PER_SUBJECT, wrong};
use crate::domain::verification::{Form, Key, Verification};
use crate::store::counter_rows::{self, Counter};
use crate::store::{delivery_rows, verification_rows};
use crate::verify::Verify;

/// What an answer was worth.
#[derive(Debug)]
pub enum Judged {
    /// Right, and spent by this call, if it spends.
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
pub async fn attempt(verify: &Verify, key: Key<'_>, answer: Answer<'_>) -> Result<Judged, Failure> {
    let now = verify.clock.now();
    let judged = match compare(verify, key, answer.code, now).await? {
        Ok((verification, right)) => spend(verify, verification, &right, answer.removes_secret, now).await?,
        Err(judged) => judged,
    };
    conclude(verify, key, &judged).await?;
    Ok(judged)
}

/// The same, but a right answer is not spent, nor counted.
#[tracing::instrument(name = "verify.check", skip_all)]
pub async fn check(verify: &Verify, key: Key<'_>, code: &SecretString) -> Result<Judged, Failure> {
    let judged = match compare(verify, key, Some(code), verify.clock.now()).await? {
        Ok((verification, _)) => not_spent(verify, verification).await?,
        Err(judged) => judged,
    };
    conclude(verify, key, &judged).await?;
    Ok(judged)
}

/// Ends what the answer has exhausted, and says what it was worth.
async fn conclude(verify: &Verify, key: Key<'_>, judged: &Judged) -> Result<(), Failure> {
    if let Judged::Wrong(verification) = judged {
        if_exhausted(verify, verification, verify.clock.now()).await?;
    }
    let verdict = match judged {
        Judged::Right(_) => "proved",
        Judged::RightBefore => "proved_before",
        Judged::Wrong(_) => "wrong",
        Judged::Limited(..) => "limited",
        Judged::Unknown => "unknown",
    };
    tally::answered(key.method, verdict);
    tracing::info!(verify.tenant = key.tenant, verify.id = key.id, verdict, "verification.attempt");
    Ok(())
}

/// What was right about an answer, and in which verification; else what there is to say.
async fn compare(
    verify: &Verify,
    key: Key<'_>,
    code: Option<&SecretString>,
    now: Timestamp,
) -> Result<Result<(Verification, Right), Judged>, Failure> {
    let (verification, expected) = match count(verify, key, now).await? {
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
    key: Key<'a>,
    now: Timestamp,
) -> Result<Result<(Verification, Expected<'a>), Judged>, Failure> {
    let mut tx = verify.db.begin().await?;
    let Some(verification) = verification_rows::count_attempt(&mut tx, key, now).await? else {
        return Ok(Err(Judged::Unknown));
    };
    // Guessing a long code is hopeless: counting would only let somebody spoil the subject's other codes.
    if verification.form == Form::Short {
        let kind = wrong(&verification.purpose_group);
        if let Err(limited) =
            counter_rows::count(&mut tx, counter(&verification, &kind), WRONG_PER_SUBJECT, now).await?
        {
            return Ok(Err(Judged::Limited(limited, verification)));
        }
    }
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
        Judged::RightBefore
    } else {
        Judged::Unknown
    };
    if verification.form == Form::Short {
        let kind = wrong(&verification.purpose_group);
        counter_rows::take_back(&mut tx, counter(&verification, &kind)).await?;
    }
    tx.commit().await?;
    Ok(judged)
}

/// Takes back what a right answer was counted as.
async fn not_spent(verify: &Verify, verification: Verification) -> Result<Judged, Failure> {
    let mut tx = verify.db.begin().await?;
    let state = verification_rows::not_counted(&mut tx, &verification).await?;
    if verification.form == Form::Short {
        let kind = wrong(&verification.purpose_group);
        counter_rows::take_back(&mut tx, counter(&verification, &kind)).await?;
    }
    tx.commit().await?;
    Ok(match state.as_deref() {
        Some("live") => Judged::Right(Verification { attempts: verification.attempts - 1, ..verification }),
        Some("proved") => Judged::RightBefore,
        _ => Judged::Unknown,
    })
}

fn counter<'a>(verification: &'a Verification, kind: &'a str) -> Counter<'a> {
    Counter { tenant: &verification.tenant, subject: &verification.subject, kind }
}
