//! What changes sessions. There is one way out of `active`, and none back.

use tessera_common::clock::Timestamp;
use tessera_contracts::ids::{BrowserClientId, SessionId, SignInId, UserId};
use tessera_storage::{Session as On, affected, run};

use super::session_rows::{Row, columns};
use crate::domain::session::{Session, Status, entry_name};

/// A session about to begin, apart from what the row itself brings.
#[derive(Clone, Debug)]
pub struct NewSession {
    pub session: Session,
    pub sign_in: SignInId,
    pub token_digest: Option<Vec<u8>>,
    pub application: Option<String>,
}

/// Begins a session and answers its number. The user's floor must be held.
pub async fn insert(on: &mut impl On, new: NewSession) -> sqlx::Result<i64> {
    let NewSession { session, sign_in, token_digest, application } = new;
    run!(on, |e| {
        sqlx::query_scalar(
        "insert into sessions (id, client_id, sign_in_id, user_id, user_number, entry, status, listed, epoch, token_digest, \
         started_at, last_active_at, expire_at, abandon_at, first_factor_at, second_factor_at, application, user_agent, \
         address, version, updated_at) \
         values ($1, $2, $3, $4, $5, $6, 'active', $7, $8, $9, $10, $10, $11, $12, $13, $14, $15, $16, $17, 1, $10) \
         returning number"
    )
    .bind(session.id.uuid())
    .bind(session.client.uuid())
    .bind(sign_in.uuid())
    .bind(session.user.uuid())
    .bind(session.user_number)
    .bind(entry_name(session.entry))
    .bind(true)
    .bind(session.epoch)
    .bind(token_digest.clone())
    .bind(session.started_at)
    .bind(session.expire_at)
    .bind(session.abandon_at)
    .bind(session.first_factor_at)
    .bind(session.second_factor_at)
    .bind(application.clone())
    .bind(session.user_agent.clone())
    .bind(session.address.clone())
    .fetch_one(e)
    })
}

/// Ends a session that is alive; `None` if it is not. This is the only way out of `active`, and there is none back.
pub async fn end(
    on: &mut impl On,
    id: SessionId,
    status: Status,
    reason: &'static str,
    now: Timestamp,
) -> sqlx::Result<Option<Session>> {
    let row: Option<Row> = run!(on, |e| {
        sqlx::query_as(concat!(
            "update sessions set status = $2, ended_reason = $3, ended_at = $4, updated_at = $4, version = version + 1 \
         where id = $1 and status = 'active' and expire_at > $4 and abandon_at > $4 returning ",
            columns!()
        ))
        .bind(id.uuid())
        .bind(status.name())
        .bind(reason)
        .bind(now)
        .fetch_optional(e)
    })?;
    Ok(row.map(Session::from))
}

/// Makes an end that came by time alone final, so that a use which was on its way cannot move it.
pub async fn settle(on: &mut impl On, id: SessionId, now: Timestamp) -> sqlx::Result<()> {
    affected!(
        on,
        sqlx::query(
            "update sessions set status = case when expire_at <= $2 then 'expired' else 'abandoned' end, updated_at = $2 \
             where id = $1 and status = 'active' and (expire_at <= $2 or abandon_at <= $2)"
        )
        .bind(id.uuid())
        .bind(now)
    )?;
    Ok(())
}

/// Takes a session that its user ended, or that ended by itself, off its client's list.
pub async fn remove(on: &mut impl On, id: SessionId, now: Timestamp) -> sqlx::Result<Option<Session>> {
    let row: Option<Row> = run!(on, |e| sqlx::query_as(concat!(
        "update sessions set status = 'removed', listed = $3, updated_at = $2 \
         where id = $1 and (status in ('ended', 'removed', 'replaced', 'expired', 'abandoned') \
         or status = 'active' and (expire_at <= $2 or abandon_at <= $2)) returning ",
        columns!()
    ))
    .bind(id.uuid())
    .bind(now)
    .bind(false)
    .fetch_optional(e))?;
    Ok(row.map(Session::from))
}

/// Moves one session up to `epoch`: the change was made in it.
pub async fn lift(on: &mut impl On, user: UserId, id: SessionId, epoch: i64) -> sqlx::Result<()> {
    affected!(
        on,
        sqlx::query(
            "update sessions set epoch = $3 where id = $1 and user_id = $2 and epoch < $3 and status = 'active'"
        )
        .bind(id.uuid())
        .bind(user.uuid())
        .bind(epoch)
    )?;
    Ok(())
}

/// Takes the ended sessions of a client off its list.
pub async fn unlist_ended(on: &mut impl On, client: BrowserClientId, now: Timestamp) -> sqlx::Result<()> {
    affected!(
        on,
        sqlx::query(
            "update sessions set listed = $3 \
             where client_id = $1 and listed and (status <> 'active' or expire_at <= $2 or abandon_at <= $2)"
        )
        .bind(client.uuid())
        .bind(now)
        .bind(false)
    )?;
    Ok(())
}

/// Notes a use, and what it moves.
pub async fn note_use(
    on: &mut impl On,
    session: &Session,
    expire_at: Timestamp,
    abandon_at: Timestamp,
    now: Timestamp,
) -> sqlx::Result<()> {
    affected!(
        on,
        sqlx::query(
            "update sessions set last_active_at = $2, expire_at = $3, abandon_at = $4 \
             where id = $1 and status = 'active' and last_active_at < $2"
        )
        .bind(session.id.uuid())
        .bind(now)
        .bind(expire_at)
        .bind(abandon_at)
    )?;
    Ok(())
}
