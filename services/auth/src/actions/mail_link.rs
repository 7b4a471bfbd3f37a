//! Queues a mailed link in the caller's transaction.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use tessera_common::clock::Timestamp;
use tessera_contracts::email_address::EmailAddress;
use tessera_contracts::ids::{UserId, VerificationId};
use tessera_contracts::verify::{Channel, CodeForm, Initiate, Message, MessageName, Purpose as ProofPurpose};
use tessera_messaging::{CallId, durable_call};
use tessera_storage::Tx;

use crate::auth::Auth;
use crate::domain::mailed_link::{self, Purpose};
use crate::outgoing::MailLink;
use crate::store::mailed_link_rows;

/// How long a link that proves an address lives.
const VERIFY_EMAIL_LIFE: TimeDelta = TimeDelta::days(2);

/// Queues the mail with a link that proves that `address` is the user's. After the commit, `auth.calls.try_now` sends it at once.
pub async fn verify_email(
    auth: &Auth,
    tx: &mut Tx,
    user: UserId,
    address: &EmailAddress,
    now: Timestamp,
) -> sqlx::Result<CallId> {
    let id = VerificationId::new(now, &auth.random);
    mailed_link_rows::insert(tx, id, user, Purpose::VerifyEmail, address.canonical(), now).await?;
    let initiate = Initiate {
        id,
        holder: mailed_link::holder(id),
        channel: Channel::Email,
        purpose: ProofPurpose::VerifyEmail,
        subject: user,
        destination: address.as_given().to_owned(),
        message: Message {
            name: MessageName::VerifyEmail,
            values: BTreeMap::from([("link".to_owned(), verification_link(auth, address))]),
        },
        code: CodeForm::Long,
        lifetime_s: VERIFY_EMAIL_LIFE.num_seconds(),
        browser_client: None,
    };
    durable_call::queue(tx, &MailLink(initiate), now, &auth.random).await
}

/// Queues the mail that tells the owner of a taken address that somebody tried to sign up with it. Nothing can be done with it.
pub async fn address_taken(
    auth: &Auth,
    tx: &mut Tx,
    owner: UserId,
    address: &EmailAddress,
    now: Timestamp,
) -> sqlx::Result<CallId> {
    let id = VerificationId::new(now, &auth.random);
    let initiate = Initiate {
        id,
        holder: format!("notice:{id}"),
        channel: Channel::Email,
        purpose: ProofPurpose::ResetPassword,
        subject: owner,
        destination: address.as_given().to_owned(),
        message: Message { name: MessageName::AddressTaken, values: BTreeMap::new() },
        code: CodeForm::Long,
        lifetime_s: VERIFY_EMAIL_LIFE.num_seconds(),
        browser_client: None,
    };
    durable_call::queue(tx, &MailLink(initiate), now, &auth.random).await
}

/// The link up to where the token goes.
fn verification_link(auth: &Auth, address: &EmailAddress) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("email", address.canonical()).finish();
    format!("{}/identity/email_verification?{query}&token=", auth.origin)
}
