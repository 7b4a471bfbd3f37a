//! Opening and ending verifications for the siblings.

use chrono::TimeDelta;
use secrecy::SecretString;
use tessera_common::clock::Timestamp;
use tessera_common::ids;
use tessera_common::random::Random;
use tessera_contracts::call::Failure;
use tessera_contracts::email_address::EmailAddress;
use tessera_contracts::verify::{self as contract, Cancel, CodeForm, Initiate, Initiated, Purpose};
use tessera_storage::Tx;

use super::queue::{self, Parcel};
use crate::domain::code::Alphabet;
use crate::domain::counting::{Limited, PLATFORM_MESSAGES};
use crate::domain::message::Channel;
use crate::domain::method::Method;
use crate::domain::verification::{Form, Key, PLATFORM};
use crate::messages;
use crate::store::counter_rows::{self, Counter};
use crate::store::verification_rows::NewVerification;
use crate::store::{delivery_rows, verification_rows};
use crate::verify::Verify;

/// Symbols of a long code: 43 of 62 are 256 bits.
const LONG: u8 = 43;

/// Opens a sibling's verification and queues its message. An id that was used for the same holder is answered, and nothing is sent.
#[tracing::instrument(name = "verify.platform.initiate", skip_all)]
pub async fn initiate(verify: &Verify, given: Initiate) -> Result<Initiated, Failure> {
    let now = verify.clock.now();
    let id = given.id.to_string();
    let key = key(&given, &id)?;
    let address = EmailAddress::parse(&given.destination).ok_or_else(|| fault("the destination is not an address"))?;
    let (code, form) = make_code(given.code, &verify.random);
    let message = messages::render(&given.message, &id, &code)?;
    let new = NewVerification {
        row_id: ids::new_v7(now, &verify.random),
        key,
        subject: given.subject.to_string(),
        purpose_group: purpose_group(given.purpose),
        consumer: address.as_given().to_owned(),
        recipient: address.canonical().to_owned(),
        code_digest: verify.digest(key, &code),
        sealed_code: None,
        form,
        now,
        deadline: now + TimeDelta::seconds(given.lifetime_s),
        payload: None,
    };

    let mut tx = verify.db.begin().await?;
    if let Some(expires_at) = verification_rows::deadline(&mut tx, key).await? {
        return Ok(Initiated::Live { expires_at });
    }
    // The first mail that proves an address for an account is sent whatever others have caused before: nobody may keep somebody else
    // from signing up.
    let is_first = given.purpose == Purpose::VerifyEmail
        && !verification_rows::is_known(&mut tx, PLATFORM, &new.subject, &new.recipient).await?;
    // Before the limits: of several calls with one id at once, those that are not first are answered, not counted.
    let Some(of) = verification_rows::insert(&mut tx, &new).await? else {
        drop(tx);
        return opened_meanwhile(verify, key).await;
    };
    if let Some(limited) = limited(&mut tx, &new.recipient, is_first, now).await? {
        return Ok(Initiated::Limited { retry_after: limited.retry_after() });
    }
    let destination = new.consumer.clone();
    queue::queue(verify, &mut tx, Parcel { of, channel: Channel::Email, destination, message }, now).await?;
    tx.commit().await?;
    verify.queued.send_replace(());
    tracing::info!(verify.tenant = PLATFORM, verify.id = id, "verification.initiate");
    Ok(Initiated::Live { expires_at: new.deadline })
}

/// Ends a sibling's live verifications.
#[tracing::instrument(name = "verify.platform.cancel", skip_all)]
pub async fn cancel(verify: &Verify, given: &Cancel) -> Result<(), Failure> {
    let mut tx = verify.db.begin().await?;
    let ended = match given {
        Cancel::Id(id) => verification_rows::cancel(&mut tx, &id.to_string()).await?.into_iter().collect(),
        Cancel::Holder(holder) => verification_rows::cancel_for(&mut tx, holder).await?,
    };
    for row_id in ended {
        delivery_rows::cancel(&mut tx, row_id).await?;
    }
    tx.commit().await?;
    Ok(())
}

fn key<'a>(given: &'a Initiate, id: &'a str) -> Result<Key<'a>, Failure> {
    match given.channel {
        contract::Channel::Email => Ok(Key { tenant: PLATFORM, method: Method::Email, id, holder: &given.holder }),
        contract::Channel::Sms => Err(fault("text messages are not sent yet")),
    }
}

fn make_code(form: CodeForm, random: &Random) -> (SecretString, Form) {
    match form {
        CodeForm::Short { digits } => (Alphabet::digits().draw(digits, random), Form::Short),
        CodeForm::Long => (Alphabet::link().draw(LONG, random), Form::Long),
    }
}

/// Wrong answers are counted per group, so that what strangers may start does not block what people have begun.
const fn purpose_group(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::VerifyEmail => "registration",
        Purpose::ResetPassword => "recovery",
    }
}

/// Whether the recipient had too many messages; what was opened is then rolled back.
async fn limited(tx: &mut Tx, recipient: &str, is_first: bool, now: Timestamp) -> sqlx::Result<Option<Limited>> {
    for (kind, quota) in PLATFORM_MESSAGES {
        let counter = Counter { tenant: PLATFORM, subject: recipient, kind };
        if let (Err(limited), false) = (counter_rows::count(tx, counter, quota, now).await?, is_first) {
            return Ok(Some(limited));
        }
    }
    Ok(None)
}

/// Another call with this id was faster: it is answered, unless it is for another holder.
async fn opened_meanwhile(verify: &Verify, key: Key<'_>) -> Result<Initiated, Failure> {
    let deadline = verification_rows::deadline(&mut verify.db.read().await?, key).await?;
    let expires_at = deadline.ok_or_else(|| fault("the id is in use for another holder"))?;
    Ok(Initiated::Live { expires_at })
}

fn fault(what: &'static str) -> Failure {
    Failure::Internal(what.into())
}
