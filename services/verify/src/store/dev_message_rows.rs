//! The dev mailbox.

use tessera_common::clock::Timestamp;
use tessera_storage::{Session, affected, run};
use uuid::Uuid;

/// How many messages are kept.
const KEPT: i64 = 1000;

/// A caught message.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct DevMessage {
    /// Its id: the delivery's, so that a repetition is caught once.
    pub id: Uuid,
    /// `email` or `sms`.
    pub channel: String,
    /// The address or number as it was given.
    pub destination: String,
    /// The same in canonical form.
    pub recipient: String,
    /// Whom it is from, unless the platform.
    pub sender: Option<String>,
    /// The subject line.
    pub subject: Option<String>,
    /// HTML for mail, text otherwise.
    pub body: String,
    /// When it was caught.
    pub created_at: Timestamp,
}

/// Keeps a message, once, and lets go of the oldest.
pub async fn insert(session: &mut impl Session, message: DevMessage) -> sqlx::Result<()> {
    affected!(
        session,
        sqlx::query(
            "insert into dev_messages (id, channel, destination, recipient, sender, subject, body, created_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (id) do nothing"
        )
        .bind(message.id)
        .bind(message.channel.clone())
        .bind(message.destination.clone())
        .bind(message.recipient.clone())
        .bind(message.sender.clone())
        .bind(message.subject.clone())
        .bind(message.body.clone())
        .bind(message.created_at)
    )?;
    affected!(
        session,
        sqlx::query("delete from dev_messages where number <= (select max(number) from dev_messages) - $1").bind(KEPT)
    )?;
    Ok(())
}

/// Which messages are asked for.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only to this canonical address or number.
    pub recipient: Option<String>,
    /// Only by this channel.
    pub channel: Option<&'static str>,
    /// Only those caught after this one.
    pub after: Option<Uuid>,
}

/// The newest messages of a filter, newest first.
pub async fn newest(session: &mut impl Session, filter: &Filter, limit: i64) -> sqlx::Result<Vec<DevMessage>> {
    run!(session, |e| sqlx::query_as(
        "select id, channel, destination, recipient, sender, subject, body, created_at from dev_messages \
         where ($1 is null or recipient = $1) and ($2 is null or channel = $2) \
         and number > coalesce((select number from dev_messages where id = $3), 0) order by number desc limit $4"
    )
    .bind(filter.recipient.clone())
    .bind(filter.channel)
    .bind(filter.after)
    .bind(limit)
    .fetch_all(e))
}
