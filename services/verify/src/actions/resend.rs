//! Sending a tenant's code again: the same one, and what was answered so far still counts.

use chrono::TimeDelta;
use secrecy::{ExposeSecret as _, SecretString};
use tessera_contracts::call::Failure;

use super::count_message::{SentBy, count_message};
use super::initiate::Template;
use super::queue::{self, Parcel};
use crate::domain::counting::Limited;
use crate::domain::lifetime;
use crate::domain::message::{Channel, Message};
use crate::domain::method::Method;
use crate::domain::recipient::Recipient;
use crate::domain::template::{self, LONGEST_TEXT};
use crate::domain::verification::{Key, Verification};
use crate::store::resend_rows::{self, Prolonged};
use crate::store::verification_rows::{self, Opened};
use crate::verify::Verify;

/// A message as a tenant wants it sent again.
#[derive(Debug)]
pub struct Again {
    /// Who is to prove it, as given: whom it was for before.
    pub consumer: String,
    /// Their address or number.
    pub recipient: Recipient,
    /// The message, with places for code and id.
    pub template: Template,
    /// How long it lives from now on; `None` for what was written and is no lifetime.
    pub lifetime: Option<TimeDelta>,
    /// Which verification; `None` names none.
    pub id: Option<String>,
    /// What the tenant wants back from now on; `None` leaves what it was.
    pub payload: Option<String>,
}

/// Why nothing was sent again.
#[derive(Debug, thiserror::Error)]
pub enum ResendError {
    /// There is no such verification alive.
    #[error("there is no such verification")]
    NotFound,
    /// It is for another consumer, who must not learn its code.
    #[error("it is for another consumer")]
    OtherConsumer,
    /// The lifetime cannot be read.
    #[error("the lifetime cannot be read")]
    Lifetime,
    /// It was sent too short a time ago.
    #[error("it was sent too short a time ago")]
    TooSoon,
    /// With the code in it, the text message is too long.
    #[error("the text message is too long")]
    TooLong,
    /// There were too many messages.
    #[error("too many messages")]
    Limited(Limited),
    /// It could not be done.
    #[error(transparent)]
    Failed(#[from] Failure),
}

impl From<sqlx::Error> for ResendError {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Queues a message with the code of a live verification, and moves its deadline. A message that still waits gives way to it.
#[tracing::instrument(name = "verify.resend", skip_all)]
pub async fn resend(verify: &Verify, tenant: &str, again: Again) -> Result<Verification, ResendError> {
    let now = verify.clock.now();
    let (channel, destination) = (again.recipient.channel(), again.recipient.destination().to_owned());
    let id = again.id.ok_or(ResendError::NotFound)?;
    let key = Key::of_tenant(tenant, Method::by(channel), &id);

    let mut tx = verify.db.begin().await?;
    let found = verification_rows::find_live(&mut tx, key, now).await?.ok_or(ResendError::NotFound)?;
    let sealed = found.sealed_code.as_deref().ok_or(ResendError::NotFound)?;
    if found.recipient != again.recipient.canonical() {
        return Err(ResendError::OtherConsumer);
    }
    let deadline = now + again.lifetime.ok_or(ResendError::Lifetime)?;
    if deadline - found.deadline < TimeDelta::seconds(verify.settings.resend_timeout_s.into()) {
        return Err(ResendError::TooSoon);
    }
    let code = verify.open_code(key, sealed)?;
    let message = message(again.template, channel, &code, &found.id)?;
    let prolonged = Prolonged {
        consumer: again.consumer,
        deadline: deadline.min(found.issued_at + lifetime::LONGEST),
        payload: again.payload,
    };
    let of = Opened { row_id: found.row_id, generation: found.generation };
    // It may have been proved, replaced or ended since it was found.
    let prolonged = resend_rows::prolong(&mut tx, of, prolonged, now).await?.ok_or(ResendError::NotFound)?;
    count_message(verify, &mut tx, SentBy::Tenant(tenant), &again.recipient, now)
        .await?
        .map_err(ResendError::Limited)?;
    queue::queue(verify, &mut tx, Parcel { of, channel, destination, message }, now).await?;
    tx.commit().await?;
    verify.queued.send_replace(());
    tracing::info!(verify.tenant = tenant, verify.id = id, verify.generation = of.generation, "verification.resend");
    Ok(prolonged)
}

fn message(template: Template, channel: Channel, code: &SecretString, id: &str) -> Result<Message, ResendError> {
    let Template { body, subject, sender } = template;
    let body = template::fill_in(&body, code.expose_secret(), id);
    // The code of the first time may be longer than one that the request describes.
    if channel == Channel::Sms && body.chars().count() > LONGEST_TEXT {
        return Err(ResendError::TooLong);
    }
    Ok(Message { subject, body, sender })
}
