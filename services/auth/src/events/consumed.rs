//! Notes sign-ins and sign-outs among the account's events.

use async_trait::async_trait;
use chrono::DateTime;
use tessera_common::clock::Clock;
use tessera_contracts::events::{Session, SessionEnded, SessionStarted};
use tessera_contracts::subscriptions::AUTH_ACCOUNT_EVENTS;
use tessera_messaging::{ConsumeError, Consumer, Envelope, Event as _, Subscription, inbox};
use tessera_storage::Db;
use uuid::Uuid;

use crate::store::account_event_rows::{self, Action, NewEvent};

/// The consumer.
#[derive(Debug)]
pub struct SignInsAndOuts {
    pub db: Db,
    pub clock: Clock,
}

#[async_trait]
impl Consumer for SignInsAndOuts {
    fn subscription(&self) -> Subscription {
        AUTH_ACCOUNT_EVENTS
    }

    async fn consume(&self, envelope: &Envelope) -> Result<(), ConsumeError> {
        let (action, session) = match envelope.event_type.as_str() {
            SessionStarted::TYPE => (Action::SignedIn, envelope.decode::<SessionStarted>()?.session),
            _ => (Action::SignedOut, envelope.decode::<SessionEnded>()?.session),
        };
        let event = event(action, session)?;
        let mut tx = self.db.begin().await?;
        if inbox::first_time(&mut tx, AUTH_ACCOUNT_EVENTS.consumer, envelope.id, self.clock.now()).await? {
            account_event_rows::insert(&mut tx, event).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

fn event(action: Action, session: Option<Session>) -> Result<NewEvent, ConsumeError> {
    let poison = |what: &str| ConsumeError::Poison(format!("a session whose {what} cannot be read"));
    let session = session.ok_or_else(|| poison("state"))?;
    let user: Uuid = session.user_id.parse().map_err(|_| poison("user"))?;
    let at = session.ended_at.unwrap_or(session.started_at);
    Ok(NewEvent {
        user: user.into(),
        action,
        user_agent: session.user_agent,
        address: session.ip_address,
        at: DateTime::from_timestamp_micros(at).ok_or_else(|| poison("times"))?,
    })
}
