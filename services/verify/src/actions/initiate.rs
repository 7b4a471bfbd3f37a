//! Opening a verification for a tenant.

use chrono::TimeDelta;
use secrecy::{ExposeSecret as _, SecretString};
use tessera_common::ids;
use tessera_contracts::call::Failure;
use tessera_contracts::email_address::EmailAddress;
use uuid::Uuid;

use super::queue::{self, Parcel};
use crate::domain::code::Alphabet;
use crate::domain::counting::{Limited, Quota, TENANT_MESSAGES};
use crate::domain::message::{Channel, Message};
use crate::domain::method::Method;
use crate::domain::template;
use crate::domain::verification::{Form, Key, Verification};
use crate::store::counter_rows::{self, Counter};
use crate::store::verification_rows::{self, NewVerification};
use crate::verify::Verify;

/// The window of a tenant's messages to one recipient.
const MESSAGES_WINDOW: TimeDelta = TimeDelta::minutes(10);

/// A verification by mail as a tenant wants it.
#[derive(Debug)]
pub struct ByMail {
    /// Who is to prove it, as given.
    pub consumer: String,
    /// Their address.
    pub address: EmailAddress,
    /// The mail, with places for code and id.
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

/// A mail with places for code and id.
#[derive(Debug)]
pub struct Template {
    /// HTML.
    pub body: String,
    /// The subject line.
    pub subject: String,
    /// Whom it is from.
    pub from: Option<String>,
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
    /// The recipient had too many messages.
    #[error("the recipient had too many messages")]
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

/// Opens a verification and queues its mail. A live one of the same forced id gives way to it if it is of the same consumer.
#[tracing::instrument(name = "verify.initiate.by_mail", skip_all)]
pub async fn by_mail(verify: &Verify, tenant: &str, given: ByMail) -> Result<Verification, InitiateError> {
    let now = verify.clock.now();
    let id = given.forced_id.unwrap_or_else(|| random_id(verify).to_string());
    let key = Key::of_tenant(tenant, Method::Email, &id);
    let code = match given.code {
        CodeRule::Generated { length, alphabet } => alphabet.draw(length, &verify.random),
        CodeRule::Forced(code) => code,
    };
    let recipient = given.address.canonical().to_owned();
    let new = NewVerification {
        row_id: ids::new_v7(now, &verify.random),
        key,
        subject: recipient.clone(),
        purpose_group: "tenant",
        consumer: given.consumer,
        recipient: recipient.clone(),
        code_digest: verify.digest(key, &code),
        form: Form::Short,
        now,
        deadline: now + given.lifetime,
        payload: given.payload,
    };
    let Template { body, subject, from } = given.template;
    let body = template::fill_in(&body, code.expose_secret(), &id);
    let message = Message { subject: Some(subject), body, from };

    let mut tx = verify.db.begin().await?;
    let Some(of) = verification_rows::replace(&mut tx, &new).await? else { return Err(InitiateError::OtherConsumer) };
    let quota = Quota { most: verify.settings.tenant_messages.into(), window: MESSAGES_WINDOW };
    let counter = Counter { tenant, subject: &recipient, kind: TENANT_MESSAGES };
    counter_rows::count(&mut tx, counter, quota, now).await?.map_err(InitiateError::Limited)?;
    let destination = given.address.as_given().to_owned();
    queue::queue(verify, &mut tx, Parcel { of, channel: Channel::Email, destination, message }, now).await?;
    tx.commit().await?;
    verify.queued.notify_one();
    tracing::info!(verify.tenant = tenant, verify.id = id, verify.generation = of.generation, "verification.initiate");

    Ok(Verification {
        row_id: of.row_id,
        tenant: tenant.to_owned(),
        subject: recipient,
        purpose_group: new.purpose_group.to_owned(),
        consumer: new.consumer,
        generation: of.generation,
        code_digest: new.code_digest,
        form: new.form,
        attempts: 0,
        deadline: new.deadline,
        payload: new.payload,
        id,
    })
}

/// A UUID of version 4: what an id says must not tell when it was made, for tenants show it to strangers.
fn random_id(verify: &Verify) -> Uuid {
    uuid::Builder::from_random_bytes(verify.random.bytes()).into_uuid()
}
