//! Mailing another link that verifies the address.

use chrono::TimeDelta;
use tessera_common::dialect::Limited;
use tessera_contracts::call::Failure;
use tessera_contracts::email_address::EmailAddress;
use tessera_contracts::ids::UserId;

use super::mail_link;
use crate::auth::Auth;
use crate::domain::mailed_link::Purpose;
use crate::store::{mailed_link_rows, user_rows};

/// One mail in so many seconds…
const APART_S: i64 = 30;
/// …and so many in an hour.
const IN_AN_HOUR: usize = 5;

/// Mails the link to the user's present address, also when it is verified. `Err` inside is a limit that is used up.
///
/// # Errors
/// [`Failure`].
#[tracing::instrument(name = "auth.request_verification", skip_all)]
pub async fn request_verification(auth: &Auth, user: UserId) -> Result<Result<(), Limited>, Failure> {
    let now = auth.clock.now();
    let mut tx = auth.db.begin().await?;
    let Some(user) = user_rows::hold(&mut tx, user).await? else { return Ok(Ok(())) };
    let Some(address) = EmailAddress::parse(&user.email) else { return Ok(Ok(())) };
    let since = now - TimeDelta::hours(1);
    let mailed = mailed_link_rows::mailed_since(&mut tx, user.id, Purpose::VerifyEmail, since).await?;
    if let Some(limited) = limited(&mailed.iter().map(|at| (now - *at).num_seconds()).collect::<Vec<_>>()) {
        return Ok(Err(limited));
    }
    let mail = mail_link::verify_email(auth, &mut tx, user.id, &address, now).await?;
    tx.commit().await?;
    auth.calls.try_now(mail).await;
    Ok(Ok(()))
}

/// What the ages of the last hour's mails, in seconds and newest first, forbid.
fn limited(ages: &[i64]) -> Option<Limited> {
    let seconds = |seconds: i64| u32::try_from(seconds.max(1)).unwrap_or(u32::MAX);
    let newest = ages.first().filter(|age| **age < APART_S);
    let oldest_that_counts = ages.get(IN_AN_HOUR - 1);
    newest
        .map(|age| Limited { retry_after: seconds(APART_S - age), quota: 1, window: seconds(APART_S) })
        .or(oldest_that_counts.map(|age| Limited { retry_after: seconds(3600 - age), quota: 5, window: 3600 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_thirty_seconds_and_five_in_an_hour() {
        assert_eq!(limited(&[]), None);
        assert_eq!(limited(&[30, 60, 90, 120]), None);
        assert_eq!(limited(&[29]).map(|limited| limited.retry_after), Some(1));
        assert_eq!(limited(&[40, 60, 90, 120, 600]).map(|limited| limited.retry_after), Some(3000));
    }
}
