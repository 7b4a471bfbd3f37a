//! Sessions, as they are read. What changes them is in `session_changes`.

use tessera_common::clock::Timestamp;
use tessera_contracts::ids::{BrowserClientId, SessionId, SignInId, UserId};
use tessera_storage::{Session as On, run};
use uuid::Uuid;

use crate::domain::client::ClientKind;
use crate::domain::session::{Session, Status, entry_named};

#[derive(sqlx::FromRow)]
pub(super) struct Row {
    number: i64,
    id: Uuid,
    client_id: Uuid,
    user_id: Uuid,
    user_number: i64,
    entry: String,
    status: String,
    epoch: i64,
    started_at: Timestamp,
    last_active_at: Timestamp,
    expire_at: Timestamp,
    abandon_at: Timestamp,
    first_factor_at: Timestamp,
    second_factor_at: Option<Timestamp>,
    user_agent: Option<String>,
    address: String,
    ended_at: Option<Timestamp>,
    ended_reason: Option<String>,
    version: i64,
    updated_at: Timestamp,
}

/// The columns of a row.
macro_rules! columns {
    () => {
        "number, id, client_id, user_id, user_number, entry, status, epoch, started_at, last_active_at, \
         expire_at, abandon_at, first_factor_at, second_factor_at, user_agent, address, ended_at, ended_reason, \
         version, updated_at"
    };
    ("s.") => {
        "s.number, s.id, s.client_id, s.user_id, s.user_number, s.entry, s.status, s.epoch, s.started_at, \
         s.last_active_at, s.expire_at, s.abandon_at, s.first_factor_at, s.second_factor_at, s.user_agent, \
         s.address, s.ended_at, s.ended_reason, s.version, s.updated_at"
    };
}

/// What is above its user's floor: cuts reach a session also where its own row was not written yet.
macro_rules! above_floor {
    () => {
        "not exists (select 1 from user_floors f where f.user_id = s.user_id and (f.epoch > s.epoch or f.disabled))"
    };
}

pub(super) use {above_floor, columns};

impl From<Row> for Session {
    fn from(row: Row) -> Self {
        Self {
            number: row.number,
            id: row.id.into(),
            client: row.client_id.into(),
            user: row.user_id.into(),
            user_number: row.user_number,
            entry: entry_named(&row.entry),
            stored: Status::named(&row.status),
            epoch: row.epoch,
            started_at: row.started_at,
            last_active_at: row.last_active_at,
            expire_at: row.expire_at,
            abandon_at: row.abandon_at,
            first_factor_at: row.first_factor_at,
            second_factor_at: row.second_factor_at,
            user_agent: row.user_agent,
            address: row.address,
            ended_at: row.ended_at,
            ended_reason: row.ended_reason,
            version: row.version,
            updated_at: row.updated_at,
        }
    }
}

/// The session that a sign-in made.
pub async fn by_sign_in(on: &mut impl On, sign_in: SignInId) -> sqlx::Result<Option<Session>> {
    let row: Option<Row> =
        run!(on, |e| sqlx::query_as(concat!("select ", columns!(), " from sessions s where s.sign_in_id = $1"))
            .bind(sign_in.uuid())
            .fetch_optional(e))?;
    Ok(row.map(Session::from))
}

/// The session of an accounts API token, if its user's floor admits it.
pub async fn by_token(on: &mut impl On, digest: Vec<u8>) -> sqlx::Result<Option<Session>> {
    let row: Option<Row> = run!(on, |e| sqlx::query_as(concat!(
        "select ",
        columns!(),
        " from sessions s where s.token_digest = $1 and s.status = 'active' and ",
        above_floor!()
    ))
    .bind(digest)
    .fetch_optional(e))?;
    Ok(row.map(Session::from))
}

/// Whether a client has a live session.
pub async fn has_live(on: &mut impl On, client: BrowserClientId, now: Timestamp) -> sqlx::Result<bool> {
    let found: Option<i64> = run!(on, |e| {
        sqlx::query_scalar(concat!(
        "select cast(1 as bigint) from sessions s where s.client_id = $1 and s.status = 'active' and s.expire_at > $2 \
         and s.abandon_at > $2 and ",
        above_floor!(),
        " limit 1"
    ))
    .bind(client.uuid())
    .bind(now)
    .fetch_optional(e)
    })?;
    Ok(found.is_some())
}

/// The live sessions of a user, newest first.
pub async fn live_of(on: &mut impl On, user: UserId, now: Timestamp) -> sqlx::Result<Vec<Session>> {
    let rows: Vec<Row> = run!(on, |e| {
        sqlx::query_as(concat!(
        "select ",
        columns!(),
        " from sessions s where s.user_id = $1 and s.status = 'active' and s.expire_at > $2 and s.abandon_at > $2 and ",
        above_floor!(),
        " order by s.number desc"
    ))
    .bind(user.uuid())
    .bind(now)
    .fetch_all(e)
    })?;
    Ok(rows.into_iter().map(Session::from).collect())
}

/// One live session of a user, by number.
pub async fn live_by_number(
    on: &mut impl On,
    user: UserId,
    number: i64,
    now: Timestamp,
) -> sqlx::Result<Option<Session>> {
    let row: Option<Row> = run!(on, |e| sqlx::query_as(concat!(
        "select ",
        columns!(),
        " from sessions s where s.number = $1 and s.user_id = $2 and s.status = 'active' and s.expire_at > $3 \
         and s.abandon_at > $3 and ",
        above_floor!()
    ))
    .bind(number)
    .bind(user.uuid())
    .bind(now)
    .fetch_optional(e))?;
    Ok(row.map(Session::from))
}

/// One session of a user, by id, if it lives.
pub async fn live_by_id(
    on: &mut impl On,
    user: UserId,
    id: SessionId,
    now: Timestamp,
) -> sqlx::Result<Option<Session>> {
    let row: Option<Row> = run!(on, |e| sqlx::query_as(concat!(
        "select ",
        columns!(),
        " from sessions s where s.id = $1 and s.user_id = $2 and s.status = 'active' and s.expire_at > $3 \
         and s.abandon_at > $3 and ",
        above_floor!()
    ))
    .bind(id.uuid())
    .bind(user.uuid())
    .bind(now)
    .fetch_optional(e))?;
    Ok(row.map(Session::from))
}

/// What a client's present secret says when it is presented, as far as a sign-in asks.
#[derive(Clone, Copy, Debug, sqlx::FromRow)]
pub struct Acquaintance {
    /// Whether the client has held a session of the user.
    pub has_held: bool,
    /// Whether the secret was not presented before, while an earlier one is still around.
    pub is_first_presented: bool,
}

/// What the client of `kind` whose present secret this is has to do with a user.
pub async fn acquaintance(
    on: &mut impl On,
    kind: ClientKind,
    digest: &[u8],
    user: UserId,
) -> sqlx::Result<Option<Acquaintance>> {
    run!(on, |e| sqlx::query_as(
        "select exists (select 1 from sessions s where s.client_id = c.id and s.user_id = $3) as has_held, \
         c.previous_digest is not null and c.presented_at is null as is_first_presented \
         from browser_clients c where c.secret_digest = $1 and c.kind = $2"
    )
    .bind(digest.to_vec())
    .bind(kind.name())
    .bind(user.uuid())
    .fetch_optional(e))
}

/// The sessions of a user that were born below `floor` and are not ended yet, in the order their clients are locked.
pub async fn below(on: &mut impl On, user: UserId, floor: i64) -> sqlx::Result<Vec<SessionId>> {
    let ids: Vec<Uuid> = run!(on, |e| sqlx::query_scalar(
        "select id from sessions where user_id = $1 and epoch < $2 and status = 'active' order by client_id, number"
    )
    .bind(user.uuid())
    .bind(floor)
    .fetch_all(e))?;
    Ok(ids.into_iter().map(SessionId::from).collect())
}

/// The live session of a user on a client, if there is one.
pub async fn live_on(on: &mut impl On, client: BrowserClientId, user: UserId) -> sqlx::Result<Option<SessionId>> {
    let id: Option<Uuid> = run!(on, |e| sqlx::query_scalar(
        "select id from sessions where client_id = $1 and user_id = $2 and status = 'active' limit 1"
    )
    .bind(client.uuid())
    .bind(user.uuid())
    .fetch_optional(e))?;
    Ok(id.map(SessionId::from))
}
