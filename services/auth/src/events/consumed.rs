//! Notes among the account's events what others have seen of it: sign-ins and sign-outs, messages that did not arrive, codes that were
//! guessed at.

use async_trait::async_trait;
use chrono::DateTime;
use tessera_common::clock::{Clock, Timestamp};
use tessera_contracts::events::{
    DeliveryFailed, Session, SessionEnded, SessionStarted, Verification, VerificationExhausted,
};
use tessera_contracts::ids::UserId;
use tessera_contracts::subscriptions::AUTH_ACCOUNT_EVENTS;
use tessera_messaging::{ConsumeError, Consumer, Envelope, Event as _, Subscription, inbox};
use tessera_storage::Db;
use uuid::Uuid;

use crate::store::account_event_rows::{self, Action, NewEvent};
use crate::store::user_rows;

/// The consumer.
#[derive(Debug)]
pub struct AccountEvents {
    pub db: Db,
    pub clock: Clock,
}

#[async_trait]
impl Consumer for AccountEvents {
    fn subscription(&self) -> Subscription {
        AUTH_ACCOUNT_EVENTS
    }

    async fn consume(&self, envelope: &Envelope) -> Result<(), ConsumeError> {
        let told = told(envelope)?;
        let mut tx = self.db.begin().await?;
        if inbox::first_time(&mut tx, AUTH_ACCOUNT_EVENTS.consumer, envelope.id, self.clock.now()).await? {
            match told {
                Told::User(event) => account_event_rows::insert(&mut tx, event).await?,
                Told::Subject(event) => {
                    if user_rows::by_id(&mut tx, event.user).await?.is_some() {
                        account_event_rows::insert(&mut tx, event).await?;
                    }
                }
                Told::Nobody => {}
            }
        }
        tx.commit().await?;
        Ok(())
    }
}

/// What an event tells, and of whom.
enum Told {
    User(NewEvent),
    /// Of a subject of a verification, who may not be a user, or not yet.
    Subject(NewEvent),
    /// Of a tenant's consumer: there is nothing to note.
    Nobody,
}

fn told(envelope: &Envelope) -> Result<Told, ConsumeError> {
    match envelope.event_type.as_str() {
        SessionStarted::TYPE => of_session(Action::SignedIn, envelope.decode::<SessionStarted>()?.session),
        SessionEnded::TYPE => of_session(Action::SignedOut, envelope.decode::<SessionEnded>()?.session),
        DeliveryFailed::TYPE => {
            let DeliveryFailed { delivery, occurred_at, .. } = envelope.decode()?;
            of_verification(Action::DeliveryFailed, delivery.and_then(|delivery| delivery.verification), occurred_at)
        }
        _ => {
            let VerificationExhausted { verification, occurred_at, .. } = envelope.decode()?;
            of_verification(Action::VerificationExhausted, verification, occurred_at)
        }
    }
}

fn of_session(action: Action, session: Option<Session>) -> Result<Told, ConsumeError> {
    let session = session.ok_or_else(|| poison("a session whose state"))?;
    Ok(Told::User(NewEvent {
        user: user("a session whose user", &session.user_id)?,
        action,
        at: time("a session whose times", session.ended_at.unwrap_or(session.started_at))?,
        user_agent: session.user_agent,
        address: session.ip_address,
    }))
}

/// Who guessed is not told.
fn of_verification(action: Action, verification: Option<Verification>, at: i64) -> Result<Told, ConsumeError> {
    let verification = verification.ok_or_else(|| poison("a verification whose state"))?;
    let Some(subject) = verification.user_id.filter(|_| verification.tenant == "platform") else {
        return Ok(Told::Nobody);
    };
    Ok(Told::Subject(NewEvent {
        user: user("a verification whose user", &subject)?,
        action,
        at: time("a verification whose time", at)?,
        user_agent: None,
        address: None,
    }))
}

fn user(what: &str, id: &str) -> Result<UserId, ConsumeError> {
    id.parse::<Uuid>().map(UserId::from).map_err(|_| poison(what))
}

fn time(what: &str, micros: i64) -> Result<Timestamp, ConsumeError> {
    DateTime::from_timestamp_micros(micros).ok_or_else(|| poison(what))
}

fn poison(what: &str) -> ConsumeError {
    ConsumeError::Poison(format!("{what} cannot be read"))
}
