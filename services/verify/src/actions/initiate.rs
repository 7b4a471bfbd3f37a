//! Opening a verification for a tenant.

use chrono::TimeDelta;
use secrecy::{ExposeSecret as _, SecretString};
use tessera_common::ids;
use tessera_contracts::call::Failure;
use uuid::Uuid;

use super::count_message::{SentBy, count_message};
use super::queue::{self, Parcel};
use super::tally;
use crate::domain::code::Alphabet;
use crate::domain::counting::Limited;
use crate::domain::message::{Message, Sender};
use crate::domain::method::Method;
use crate::domain::purpose_group::PurposeGroup;
use crate::domain::recipient::Recipient;
use crate::domain::template;
use crate::domain::verification::{Form, Key, Verification};
use crate::store::verification_rows::{self, NewVerification};
use crate::verify::Verify;

/// A verification by mail or text message as a tenant wants it.
#[derive(Debug)]
pub struct ByMessage {
    /// Who is to prove it, as given.
    pub consumer: String,
    /// Their address or number.
    pub recipient: Recipient,
    /// The message, with places for code and id.
    pub template: Template,
    /// The code, or how to make it.
    pub code: CodeRule,
    /// How long it lives.
    pub lifetime: TimeDelta,
    /// An id of the tenant's own choice.
    pub forced_id: Option<String>,
    /// What the tenant wants back: JSON as it came.
    pub payload: Option<String>,
}

/// A message with places for code and id.
#[derive(Debug)]
pub struct Template {
    /// HTML for mail, text otherwise.
    pub body: String,
    /// The subject line of a mail.
    pub subject: Option<String>,
    /// Whom it is from.
    pub sender: Sender,
}

/// Where a code comes from.
#[derive(Debug)]
pub enum CodeRule {
    /// It is made.
    Generated {
        /// Its length.
        length: u8,
        /// Its symbols.
        alphabet: Alphabet,
    },
    /// The tenant says it.
    Forced(SecretString),
}

/// Why no verification was opened.
#[derive(Debug, thiserror::Error)]
pub enum InitiateError {
    /// The forced id is that of a live verification of somebody else.
    #[error("the id is in use for another consumer")]
    OtherConsumer,
    /// There were too many messages.
    #[error("too many messages")]
    Limited(Limited),
    /// It could not be done.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<sqlx::Error> for InitiateError {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Opens a verification and queues its message. A live one of the same forced id gives way to it if it is of the same consumer.
#[tracing::instrument(name = "verify.initiate.by_message", skip_all)]
pub async fn by_message(verify: &Verify, tenant: &str, given: ByMessage) -> Result<Verification, InitiateError> {
    let now = verify.clock.now();
    let id = given.forced_id.unwrap_or_else(|| random_id(verify).to_string());
    let channel = given.recipient.channel();
    let key = Key::of_tenant(tenant, Method::by(channel), &id);
    let code = match given.code {
        CodeRule::Generated { length, alphabet } => alphabet.draw(length, &verify.random),
        CodeRule::Forced(code) => code,
    };
    let recipient = given.recipient.canonical().to_owned();
    let new = NewVerification {
        row_id: ids::new_v7(now, &verify.random),
        key,
        sibling: None,
        subject: recipient.clone(),
        purpose_group: PurposeGroup::Tenant.counted_for(None),
        consumer: given.consumer,
        recipient,
        code_digest: verify.digest(key, &code),
        sealed_code: Some(verify.seal_code(key, &code)?),
        form: Form::Short,
        now,
        deadline: now + given.lifetime,
        payload: given.payload,
    };
    let Template { body, subject, sender } = given.template;
    let body = template::fill_in(&body, code.expose_secret(), &id);
    let message = Message { subject, body, sender };

    let mut tx = verify.db.begin().await?;
    let Some(of) = verification_rows::replace(&mut tx, &new).await? else { return Err(InitiateError::OtherConsumer) };
    count_message(verify, &mut tx, SentBy::Tenant(tenant), &given.recipient, now)
        .await?
        .map_err(InitiateError::Limited)?;
    let destination = given.recipient.destination().to_owned();
    queue::queue(verify, &mut tx, Parcel { of, channel, destination, message }, now).await?;
    tx.commit().await?;
    verify.queued.send_replace(());
    tally::begun(key.method);
    tracing::info!(verify.tenant = tenant, verify.id = id, verify.generation = of.generation, "verification.initiate");

    Ok(new.into_verification(of))
}

/// A UUID of version 4: what an id says must not tell when it was made, for tenants show it to strangers.
pub fn random_id(verify: &Verify) -> Uuid {
    uuid::Builder::from_random_bytes(verify.random.bytes()).into_uuid()
}
