//! Proving an address by a mailed link.

use secrecy::SecretString;
use tessera_common::server::Caller;
use tessera_contracts::call::Failure;
use tessera_contracts::email_address::EmailAddress;
use tessera_contracts::events::EmailVerified;
use tessera_contracts::ids::VerificationId;
use tessera_contracts::verify::{Validate, Verdict};

use crate::auth::Auth;
use crate::domain::mailed_link::{self, Purpose};
use crate::events::published;
use crate::store::account_event_rows::{self, Action, NewEvent};
use crate::store::mailed_link_rows::Link;
use crate::store::{mailed_link_rows, user_rows};

/// Whether the link is good: the address is verified then. The same link is good again until it expires, and changes nothing.
///
/// `address`, if given, must be the one that the link was mailed for.
///
/// # Errors
/// [`Failure`].
#[tracing::instrument(name = "auth.verify_email", skip_all)]
pub async fn verify_email(
    auth: &Auth,
    token: &SecretString,
    address: Option<&str>,
    caller: &Caller,
) -> Result<bool, Failure> {
    let Some((id, code)) = mailed_link::split(token) else { return Ok(false) };
    let Some(link) = mailed_link_rows::find(&mut auth.db.read().await?, id, Purpose::VerifyEmail).await? else {
        return Ok(false);
    };
    let named =
        address.map(|address| EmailAddress::parse(address).is_some_and(|address| address.canonical() == link.address));
    if named == Some(false) {
        return Ok(false);
    }
    let proof = Validate { id, holder: mailed_link::holder(id), code };
    match auth.verify.validate(proof).await? {
        // A crash between proof and effect is healed by the same link again, so both verdicts lead to the effect.
        Verdict::Proved | Verdict::ProvedBefore => take_effect(auth, id, &link, caller).await,
        Verdict::Wrong { .. } | Verdict::Unknown => Ok(false),
    }
}

async fn take_effect(auth: &Auth, id: VerificationId, link: &Link, caller: &Caller) -> Result<bool, Failure> {
    let now = auth.clock.now();
    let mut tx = auth.db.begin().await?;
    if !mailed_link_rows::spend(&mut tx, id, now).await?
        || !user_rows::verify_address(&mut tx, link.user, &link.address, now).await?
    {
        // Spent before, or by another link: good as long as the address is still the user's.
        let verified = user_rows::is_verified(&mut tx, link.user, &link.address).await?;
        tx.commit().await?;
        return Ok(verified);
    }
    let Some(user) = user_rows::changed(&mut tx, link.user, false, now).await? else { return Ok(false) };
    account_event_rows::insert(&mut tx, NewEvent::by(caller, user.id, Action::EmailVerified, now)).await?;
    let event = EmailVerified::new(published::user(&user), super::actor(caller), now);
    auth.outbox.emit(&mut tx, now, &auth.random, &event).await?;
    tx.commit().await?;
    auth.committed();
    Ok(true)
}
