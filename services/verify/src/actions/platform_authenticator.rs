//! Authenticators of the platform's own users, for the siblings.

use chrono::TimeDelta;
use secrecy::ExposeSecret as _;
use tessera_contracts::call::Failure;
use tessera_contracts::verify::{
    AuthenticatorConfirm, AuthenticatorEnrol, AuthenticatorEnrolled, AuthenticatorRemove, Verdict,
};
use uuid::Uuid;

use super::authenticators::{open, seal};
use crate::domain::authenticator;
use crate::domain::verification::{MOST_ATTEMPTS, Owner, PLATFORM};
use crate::store::authenticator_rows::{self, NewPending};
use crate::verify::Verify;

/// How long a secret waits for its first right code.
const WAITS: TimeDelta = TimeDelta::minutes(30);

/// Gives out a secret that waits beside the confirmed one, if there is one.
#[tracing::instrument(name = "verify.platform.authenticator_enrol", skip_all)]
pub async fn enrol(verify: &Verify, given: AuthenticatorEnrol) -> Result<AuthenticatorEnrolled, Failure> {
    let now = verify.clock.now();
    let (user, id) = (given.user.to_string(), given.enrolment.uuid());
    let owner = Owner { tenant: PLATFORM, consumer: &user };
    let new = seal(verify, owner, id, &authenticator::new_secret(&verify.random))?;

    let mut tx = verify.db.begin().await?;
    let is_new = authenticator_rows::put_beside(&mut tx, owner, NewPending { sealed: new, until: now + WAITS }).await?;
    let pending = authenticator_rows::pending(&mut tx, owner, id).await?;
    tx.commit().await?;
    let (sealed, expires_at) = pending.ok_or(Failure::Misused("the enrolment was confirmed: begin another"))?;
    let secret = open(verify, owner, &sealed)?;
    if is_new {
        tracing::info!(user.id = user, "authenticator.enrol");
    }
    Ok(AuthenticatorEnrolled {
        secret: authenticator::in_base32(&secret),
        uri: authenticator::uri(&secret, &verify.settings.authenticator_issuer, &given.label),
        expires_at,
    })
}

/// Judges the first code of an enrolment. As everywhere, the answer is counted before it is compared.
#[tracing::instrument(name = "verify.platform.authenticator_confirm", skip_all)]
pub async fn confirm(verify: &Verify, given: AuthenticatorConfirm) -> Result<Verdict, Failure> {
    let now = verify.clock.now();
    let (user, id) = (given.user.to_string(), given.enrolment.uuid());
    let owner = Owner { tenant: PLATFORM, consumer: &user };
    let counted = authenticator_rows::count_pending(&mut verify.db.write().await?, owner, id, now).await?;
    let Some((sealed, attempts)) = counted else { return confirmed_before(verify, owner, id, &given).await };
    let step = authenticator::step_of(&open(verify, owner, &sealed)?, given.code.expose_secret(), now);
    let Some(step) = step else {
        tracing::info!(user.id = user, attempts, "authenticator.confirm.wrong");
        return Ok(Verdict::Wrong { attempts, left: Some((MOST_ATTEMPTS - attempts).max(0)) });
    };
    if !authenticator_rows::confirm(&mut verify.db.write().await?, owner, id, step, now).await? {
        return confirmed_before(verify, owner, id, &given).await;
    }
    tracing::info!(user.id = user, "authenticator.confirm");
    Ok(Verdict::Proved)
}

/// The same code that confirmed, once more: the verdict was lost.
async fn confirmed_before(
    verify: &Verify,
    owner: Owner<'_>,
    id: Uuid,
    given: &AuthenticatorConfirm,
) -> Result<Verdict, Failure> {
    let confirmed = authenticator_rows::confirmed(&mut verify.db.read().await?, owner, id).await?;
    let Some((sealed, step)) = confirmed else { return Ok(Verdict::Unknown) };
    let secret = open(verify, owner, &sealed)?;
    let is_right = authenticator::is_code_of(&secret, given.code.expose_secret(), step);
    Ok(if is_right { Verdict::ProvedBefore } else { Verdict::Unknown })
}

/// Drops a user's authenticator, or that of one enrolment.
#[tracing::instrument(name = "verify.platform.authenticator_remove", skip_all)]
pub async fn remove(verify: &Verify, given: AuthenticatorRemove) -> Result<(), Failure> {
    let user = given.user.to_string();
    let owner = Owner { tenant: PLATFORM, consumer: &user };
    let mut conn = verify.db.write().await?;
    let removed = match given.enrolment {
        Some(enrolment) => authenticator_rows::remove_one(&mut conn, owner, enrolment.uuid()).await?,
        None => authenticator_rows::remove(&mut conn, owner).await?,
    };
    if removed {
        tracing::info!(user.id = user, "authenticator.remove");
    }
    Ok(())
}
