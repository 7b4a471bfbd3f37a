//! Opening and ending verifications for the siblings.

use chrono::TimeDelta;
use secrecy::SecretString;
use tessera_common::ids;
use tessera_common::random::Random;
use tessera_contracts::call::Failure;
use tessera_contracts::email_address::EmailAddress;
use tessera_contracts::phone_number::PhoneNumber;
use tessera_contracts::sibling::Sibling;
use tessera_contracts::verify::{self as contract, Cancel, CodeForm, Initiate, Initiated, Purpose, Validate};

use super::attempt::{Answer, Judged, To, attempt, check};
use super::count_message::{SentBy, count_message};
use super::queue::{self, Parcel};
use super::{sealed_message, tally};
use crate::domain::code::Alphabet;
use crate::domain::lifetime;
use crate::domain::message::Channel;
use crate::domain::method::Method;
use crate::domain::purpose_group::PurposeGroup;
use crate::domain::recipient::Recipient;
use crate::domain::verification::{Form, PLATFORM};
use crate::messages;
use crate::store::sibling_rows::Own;
use crate::store::verification_rows::NewVerification;
use crate::store::{delivery_rows, sibling_rows, verification_rows};
use crate::verify::Verify;

/// Symbols of a long code: 43 of 62 are 256 bits.
const LONG: u8 = 43;

/// Opens a sibling's verification and queues its message. An id that was used for the same holder is answered, and nothing is sent.
#[tracing::instrument(name = "verify.platform.initiate", skip_all)]
pub async fn initiate(verify: &Verify, sibling: Sibling, given: Initiate) -> Result<Initiated, Failure> {
    let now = verify.clock.now();
    let id = given.id.to_string();
    let own = Own { sibling, id: &id, holder: &given.holder };
    let channel = channel(given.channel);
    let key = own.key(Method::by(channel));
    let Some(recipient) = recipient(verify, key.method, &given.destination)? else { return Ok(Initiated::OutOfReach) };
    let (code, form) = make_code(given.code, &verify.random)?;
    let message = messages::render(&given.message, channel, &id, &code)?;
    let new = NewVerification {
        row_id: ids::new_v7(now, &verify.random),
        key,
        sibling: Some(sibling),
        subject: given.subject.to_string(),
        purpose_group: purpose_group(given.purpose).counted_for(given.browser_client),
        consumer: recipient.destination().to_owned(),
        recipient: recipient.canonical().to_owned(),
        code_digest: verify.digest(key, &code),
        // A mailed link is good for an account, and is not sent again: whoever has lost it gets another.
        sealed_code: if form == Form::Short { Some(sealed_message::seal(verify, key, &message)?) } else { None },
        form,
        now,
        deadline: now + lifetime(given.lifetime_s)?,
        payload: None,
    };

    let mut tx = verify.db.begin().await?;
    if let Some(begun) = sibling_rows::find(&mut tx, own).await? {
        return Ok(Initiated::Live { expires_at: begun.deadline });
    }
    // The first mail that proves an address for an account is sent whatever others have caused before: nobody may keep somebody else
    // from signing up.
    let is_first = given.purpose == Purpose::VerifyEmail
        && !verification_rows::is_known(&mut tx, PLATFORM, &new.subject, &new.recipient).await?;
    // Before the limits: of several calls with one id at once, those that are not first are answered, not counted.
    let Some(of) = verification_rows::insert(&mut tx, &new).await? else {
        drop(tx);
        return opened_meanwhile(verify, own).await;
    };
    let by = SentBy::Platform { must_go: is_first };
    if let Err(limited) = count_message(verify, &mut tx, by, &recipient, now).await? {
        return Ok(Initiated::Limited { retry_after: limited.retry_after() });
    }
    let destination = recipient.destination().to_owned();
    queue::queue(verify, &mut tx, Parcel { of, channel, destination, message }, now).await?;
    tx.commit().await?;
    verify.queued.send_replace(());
    tally::begun(key.method);
    tracing::info!(verify.tenant = PLATFORM, verify.id = id, "verification.initiate");
    Ok(Initiated::Live { expires_at: new.deadline })
}

/// Judges an answer to a verification of that sibling: one that spends it if it is right, or one that only checks.
pub async fn judge(verify: &Verify, sibling: Sibling, given: &Validate, spends: bool) -> Result<Judged, Failure> {
    let id = given.id.to_string();
    let own = Own { sibling, id: &id, holder: &given.holder };
    if spends {
        attempt(verify, To::Siblings(own), Answer { code: Some(&given.code), removes_secret: false }).await
    } else {
        check(verify, To::Siblings(own), &given.code).await
    }
}

/// Ends a sibling's live verifications.
#[tracing::instrument(name = "verify.platform.cancel", skip_all)]
pub async fn cancel(verify: &Verify, sibling: Sibling, given: &Cancel) -> Result<(), Failure> {
    let mut tx = verify.db.begin().await?;
    for row_id in sibling_rows::cancel(&mut tx, sibling, given).await? {
        delivery_rows::cancel(&mut tx, row_id).await?;
    }
    tx.commit().await?;
    Ok(())
}

/// Whom a message by that method goes to; `None` where no text message is sent.
pub fn recipient(verify: &Verify, method: Method, destination: &str) -> Result<Option<Recipient>, Failure> {
    if method == Method::Email {
        let address =
            EmailAddress::parse(destination).ok_or_else(|| Failure::Misused("the destination is not an address"))?;
        let (given, canonical) = (address.as_given().to_owned(), address.canonical().to_owned());
        return Ok(Some(Recipient::Address { given, canonical }));
    }
    let number = PhoneNumber::parse(destination).ok_or_else(|| Failure::Misused("the destination is not a number"))?;
    let prefix = verify.settings.sms.allowed_prefixes.of(number.as_str(), number.calling_code());
    let prefix = prefix.filter(|_| verify.serves(method)).map(str::to_owned);
    Ok(prefix.map(|prefix| Recipient::Number { number: number.to_string(), prefix }))
}

const fn channel(given: contract::Channel) -> Channel {
    match given {
        contract::Channel::Email => Channel::Email,
        contract::Channel::Sms => Channel::Sms,
    }
}

fn make_code(form: CodeForm, random: &Random) -> Result<(SecretString, Form), Failure> {
    Ok(match form {
        CodeForm::Short { digits: 0 } => return Err(Failure::Misused("a code has at least one digit")),
        CodeForm::Short { digits } => (Alphabet::digits().draw(digits, random), Form::Short),
        CodeForm::Long => (Alphabet::link().draw(LONG, random), Form::Long),
    })
}

fn lifetime(seconds: i64) -> Result<TimeDelta, Failure> {
    let lifetime =
        TimeDelta::try_seconds(seconds).filter(|life| *life > TimeDelta::zero() && *life <= lifetime::LONGEST);
    lifetime.ok_or_else(|| Failure::Misused("a verification lives for some time, and for 30 days at most"))
}

const fn purpose_group(purpose: Purpose) -> PurposeGroup {
    match purpose {
        Purpose::VerifyEmail | Purpose::VerifyPhone => PurposeGroup::Registration,
        Purpose::ResetPassword => PurposeGroup::Recovery,
        Purpose::SignIn => PurposeGroup::FirstFactor,
        Purpose::SecondFactor => PurposeGroup::Factor,
    }
}

/// Another call with this id was faster: it is answered, unless it is for another holder, or another sibling's.
async fn opened_meanwhile(verify: &Verify, own: Own<'_>) -> Result<Initiated, Failure> {
    let begun = sibling_rows::find(&mut verify.db.read().await?, own).await?;
    let begun = begun.ok_or_else(|| Failure::Misused("the id is in use for another holder"))?;
    Ok(Initiated::Live { expires_at: begun.deadline })
}
