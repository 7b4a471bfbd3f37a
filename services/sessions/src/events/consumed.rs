//! Keeps the profile copy: each event carries the whole user, and only a newer one is applied.

use async_trait::async_trait;
use chrono::DateTime;
use tessera_common::clock::{Clock, Timestamp};
use tessera_contracts::events::{EmailVerified, PasswordChanged, User, UserRegistered};
use tessera_contracts::subscriptions::SESSIONS_PROFILES;
use tessera_messaging::{ConsumeError, Consumer, Envelope, Event as _, Subscription, inbox};
use tessera_storage::Db;
use uuid::Uuid;

use crate::domain::person::Person;
use crate::store::person_rows;

/// The consumer.
#[derive(Debug)]
pub struct Profiles {
    pub db: Db,
    pub clock: Clock,
}

#[async_trait]
impl Consumer for Profiles {
    fn subscription(&self) -> Subscription {
        SESSIONS_PROFILES
    }

    async fn consume(&self, envelope: &Envelope) -> Result<(), ConsumeError> {
        let person = person(&user(envelope)?)?;
        let mut tx = self.db.begin().await?;
        if inbox::first_time(&mut tx, SESSIONS_PROFILES.consumer, envelope.id, self.clock.now()).await? {
            person_rows::keep(&mut tx, &person).await?;
        }
        tx.commit().await?;
        Ok(())
    }
}

fn user(envelope: &Envelope) -> Result<User, ConsumeError> {
    let user = match envelope.event_type.as_str() {
        UserRegistered::TYPE => envelope.decode::<UserRegistered>()?.user,
        EmailVerified::TYPE => envelope.decode::<EmailVerified>()?.user,
        _ => envelope.decode::<PasswordChanged>()?.user,
    };
    user.ok_or_else(|| ConsumeError::Poison("an event of a user without the user".to_owned()))
}

fn person(user: &User) -> Result<Person, ConsumeError> {
    let poison = |what: &str| ConsumeError::Poison(format!("a user whose {what} cannot be read"));
    let id: Uuid = user.id.parse().map_err(|_| poison("id"))?;
    let time = |micros: i64| -> Result<Timestamp, ConsumeError> {
        DateTime::from_timestamp_micros(micros).ok_or_else(|| poison("times"))
    };
    Ok(Person {
        user: id.into(),
        number: user.number,
        email: user.email.clone(),
        email_verified: user.email_verified,
        version: user.version,
        created_at: time(user.created_at)?,
        updated_at: time(user.updated_at)?,
    })
}
