//! Addresses and numbers that a provider has refused for good.

use tessera_common::clock::Timestamp;
use tessera_storage::{Session, affected, run};

use crate::domain::message::Channel;

/// Notes one; the first refusal stays.
pub async fn insert(
    session: &mut impl Session,
    channel: Channel,
    recipient: String,
    reason: String,
    now: Timestamp,
) -> sqlx::Result<()> {
    affected!(
        session,
        sqlx::query(
            "insert into undeliverable (channel, recipient, reason, since) values ($1, $2, $3, $4) \
             on conflict (channel, recipient) do nothing"
        )
        .bind(channel.name())
        .bind(recipient.clone())
        .bind(reason.clone())
        .bind(now)
    )?;
    Ok(())
}

/// Forgets one: a message to it was taken.
pub async fn delete(session: &mut impl Session, channel: Channel, recipient: String) -> sqlx::Result<()> {
    affected!(
        session,
        sqlx::query("delete from undeliverable where channel = $1 and recipient = $2")
            .bind(channel.name())
            .bind(recipient.clone())
    )?;
    Ok(())
}

/// How many there are of a channel.
pub async fn count(session: &mut impl Session, channel: Channel) -> sqlx::Result<i64> {
    run!(session, |e| sqlx::query_scalar("select count(*) from undeliverable where channel = $1")
        .bind(channel.name())
        .fetch_one(e))
}
