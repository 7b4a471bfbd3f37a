//! Messages on their way.

use tessera_common::clock::Timestamp;
use tessera_messaging::backlog::Waiting;
use tessera_storage::{Session, affected, run};
use uuid::Uuid;

use crate::domain::message::Channel;
use crate::store::verification_rows::{Opened, answerable};

/// A message about to be queued.
#[derive(Debug)]
pub struct NewDelivery {
    pub id: Uuid,
    pub of: Opened,
    pub channel: Channel,
    pub destination: String,
    pub sealed: Vec<u8>,
    pub trace: Option<String>,
    pub now: Timestamp,
}

/// Queues a message, due at once; those of earlier generations are not sent any more.
pub async fn queue(session: &mut impl Session, new: NewDelivery) -> sqlx::Result<()> {
    cancel(session, new.of.row_id).await?;
    affected!(
        session,
        sqlx::query(
            "insert into deliveries (id, verification, generation, channel, destination, sealed, tries, next_try_at, state, queued_at, trace) \
             values ($1, $2, $3, $4, $5, $6, 0, $7, 'queued', $7, $8)"
        )
        .bind(new.id)
        .bind(new.of.row_id)
        .bind(new.of.generation)
        .bind(new.channel.name())
        .bind(new.destination.clone())
        .bind(new.sealed.clone())
        .bind(new.now)
        .bind(new.trace.clone())
    )?;
    Ok(())
}

/// The messages that wait to be sent.
pub async fn waiting(session: &mut impl Session) -> sqlx::Result<Waiting> {
    run!(session, |e| {
        sqlx::query_as("select count(*) as number, min(queued_at) as since from deliveries where state = 'queued'")
            .fetch_one(e)
    })
}

/// Gives up the queued messages of a verification: nobody waits for them any more.
pub async fn cancel(session: &mut impl Session, verification: Uuid) -> sqlx::Result<()> {
    affected!(
        session,
        sqlx::query(
            "update deliveries set state = 'cancelled', sealed = null where verification = $1 and state = 'queued'"
        )
        .bind(verification)
    )?;
    Ok(())
}

/// A message as the queue shows it; `tries` tells whether somebody claimed it meanwhile.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub struct Due {
    pub id: Uuid,
    pub tries: i64,
}

/// Messages of a channel that are due. One that failed often comes after the others.
pub async fn due(session: &mut impl Session, channel: Channel, now: Timestamp, limit: usize) -> sqlx::Result<Vec<Due>> {
    run!(session, |e| {
        sqlx::query_as(
            "select id, tries from deliveries where state = 'queued' and channel = $1 and next_try_at <= $2 \
         order by tries, next_try_at, id limit $3",
        )
        .bind(channel.name())
        .bind(now)
        .bind(i64::try_from(limit).unwrap_or(i64::MAX))
        .fetch_all(e)
    })
}

/// A message that the claimer alone may send, until its claim ends.
#[derive(Debug, sqlx::FromRow)]
pub struct Claimed {
    pub id: Uuid,
    pub verification: Uuid,
    pub channel: String,
    pub destination: String,
    pub sealed: Vec<u8>,
    pub tries: i64,
    /// Tries that were not answered.
    pub unanswered: i64,
    pub trace: Option<String>,
    /// The destination in canonical form.
    pub recipient: String,
}

/// Whether a message's code is worth something at `$3`.
macro_rules! of_some_worth {
    () => {
        concat!(
            "exists (select 1 from verifications v where v.row_id = deliveries.verification \
             and v.generation = deliveries.generation and v.state = 'live' and ",
            answerable!("$3"),
            ")"
        )
    };
}

/// Claims a due message until `until`; `None` if it is somebody else's or must not be sent any more.
pub async fn claim(
    session: &mut impl Session,
    due: Due,
    now: Timestamp,
    until: Timestamp,
) -> sqlx::Result<Option<Claimed>> {
    run!(session, |e| sqlx::query_as(concat!(
        "update deliveries set tries = tries + 1, next_try_at = $4, last_error = null \
         where id = $1 and tries = $2 and state = 'queued' and sealed is not null and ",
        of_some_worth!(),
        " returning id, verification, channel, destination, sealed, tries, unanswered, trace, \
             (select v.recipient from verifications v where v.row_id = deliveries.verification) as recipient"
    ))
    .bind(due.id)
    .bind(due.tries)
    .bind(now)
    .bind(until)
    .fetch_optional(e))
}

/// Gives up a due message whose code is worth nothing any more; answers how many that were, one or none.
pub async fn expire(session: &mut impl Session, due: Due, now: Timestamp) -> sqlx::Result<u64> {
    affected!(
        session,
        sqlx::query(concat!(
            "update deliveries set state = 'expired', sealed = null where id = $1 and tries = $2 and state = 'queued' and not ",
            of_some_worth!()
        ))
        .bind(due.id)
        .bind(due.tries)
        .bind(now)
    )
}

/// Ends a claimed message that its provider has taken, and erases what it said.
pub async fn sent(session: &mut impl Session, claimed: &Claimed) -> sqlx::Result<()> {
    affected!(
        session,
        sqlx::query(
            "update deliveries set state = 'sent', sealed = null, last_error = null where id = $1 and tries = $2"
        )
        .bind(claimed.id)
        .bind(claimed.tries)
    )?;
    Ok(())
}

/// What others may know of the verification that a message is for.
#[derive(Debug, sqlx::FromRow)]
pub struct OfVerification {
    pub tenant: String,
    pub id: String,
    pub method: String,
    pub subject: String,
}

/// Ends a claimed message that was given up, and erases what it said; answers whose it was. `None` if somebody else has ended it.
pub async fn fail(session: &mut impl Session, claimed: &Claimed, reason: &str) -> sqlx::Result<Option<OfVerification>> {
    let failed = affected!(
        session,
        sqlx::query(
            "update deliveries set state = 'failed', sealed = null, last_error = $3 \
             where id = $1 and tries = $2 and state = 'queued'"
        )
        .bind(claimed.id)
        .bind(claimed.tries)
        .bind(reason.to_owned())
    )?;
    if failed == 0 {
        return Ok(None);
    }
    run!(session, |e| sqlx::query_as("select tenant, id, method, subject from verifications where row_id = $1")
        .bind(claimed.verification)
        .fetch_optional(e))
}

/// Puts a claimed message back until `next_try_at`; `lost` if its provider may have taken it.
pub async fn postpone(
    session: &mut impl Session,
    claimed: &Claimed,
    next_try_at: Timestamp,
    lost: bool,
    reason: String,
) -> sqlx::Result<()> {
    affected!(
        session,
        sqlx::query(
            "update deliveries set next_try_at = $3, unanswered = unanswered + $4, last_error = $5 \
             where id = $1 and tries = $2 and state = 'queued'"
        )
        .bind(claimed.id)
        .bind(claimed.tries)
        .bind(next_try_at)
        .bind(i64::from(lost))
        .bind(reason.clone())
    )?;
    Ok(())
}
