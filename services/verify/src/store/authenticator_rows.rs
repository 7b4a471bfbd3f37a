//! Authenticators, one row a consumer. Whether a step may be used is decided in the statement that uses it.

use tessera_common::clock::Timestamp;
use tessera_storage::{Session, affected, run};
use uuid::Uuid;

use crate::domain::authenticator::{Authenticator, Sealed};
use crate::domain::verification::Owner;

#[derive(sqlx::FromRow)]
struct Row {
    secret_id: Option<Uuid>,
    sealed: Option<Vec<u8>>,
    pending_id: Option<Uuid>,
    pending_sealed: Option<Vec<u8>>,
}

impl From<Row> for Authenticator {
    fn from(row: Row) -> Self {
        let of = |(id, bytes)| Sealed { id, bytes };
        Self {
            confirmed: row.secret_id.zip(row.sealed).map(of),
            pending: row.pending_id.zip(row.pending_sealed).map(of),
        }
    }
}

/// A secret about to wait for its first right code.
#[derive(Clone, Debug)]
pub struct NewPending {
    pub sealed: Sealed,
    pub until: Timestamp,
}

macro_rules! put {
    ($until:literal, $unless:literal) => {
        concat!(
            "insert into authenticators as a (tenant, consumer, pending_id, pending_sealed, pending_until, pending_attempts) \
             values ($1, $2, $3, $4, $5, 0) on conflict (tenant, consumer) do update set pending_id = excluded.pending_id, \
             pending_sealed = excluded.pending_sealed, pending_attempts = 0, pending_until = ",
            $until,
            " where ",
            $unless
        )
    };
}

/// The authenticator of a consumer, if there is one.
pub async fn find(session: &mut impl Session, owner: Owner<'_>) -> sqlx::Result<Option<Authenticator>> {
    let row: Option<Row> = run!(session, |e| {
        sqlx::query_as(
        "select secret_id, sealed, pending_id, pending_sealed from authenticators where tenant = $1 and consumer = $2"
    )
    .bind(owner.tenant.to_owned())
    .bind(owner.consumer.to_owned())
    .fetch_optional(e)
    })?;
    Ok(row.map(Authenticator::from))
}

/// Puts a pending secret in the place of an earlier one, unless there is a confirmed one. It stays for as long as the longest of the
/// verifications that it was given out for.
pub async fn put_first(session: &mut impl Session, owner: Owner<'_>, new: NewPending) -> sqlx::Result<bool> {
    put(
        session,
        owner,
        new,
        put!(
            "case when a.pending_until > excluded.pending_until then a.pending_until else excluded.pending_until end",
            "a.secret_id is null"
        ),
    )
    .await
}

/// Puts a pending secret beside a confirmed one, unless it was put there before, whatever became of it.
pub async fn put_beside(session: &mut impl Session, owner: Owner<'_>, new: NewPending) -> sqlx::Result<bool> {
    put(
        session,
        owner,
        new,
        put!(
            "excluded.pending_until",
            "a.pending_id is distinct from excluded.pending_id and a.secret_id is distinct from excluded.pending_id"
        ),
    )
    .await
}

async fn put(session: &mut impl Session, owner: Owner<'_>, new: NewPending, text: &'static str) -> sqlx::Result<bool> {
    let put = affected!(
        session,
        sqlx::query(text)
            .bind(owner.tenant.to_owned())
            .bind(owner.consumer.to_owned())
            .bind(new.sealed.id)
            .bind(new.sealed.bytes.clone())
            .bind(new.until)
    )?;
    Ok(put == 1)
}

/// A secret that waits, and until when.
pub async fn pending(
    session: &mut impl Session,
    owner: Owner<'_>,
    id: Uuid,
) -> sqlx::Result<Option<(Sealed, Timestamp)>> {
    let found: Option<(Vec<u8>, Timestamp)> = run!(session, |e| {
        sqlx::query_as(
        "select pending_sealed, pending_until from authenticators where tenant = $1 and consumer = $2 and pending_id = $3"
    )
    .bind(owner.tenant.to_owned())
    .bind(owner.consumer.to_owned())
    .bind(id)
    .fetch_optional(e)
    })?;
    Ok(found.map(|(bytes, until)| (Sealed { id, bytes }, until)))
}

/// A secret that was confirmed, and the step of the code that did.
pub async fn confirmed(session: &mut impl Session, owner: Owner<'_>, id: Uuid) -> sqlx::Result<Option<(Sealed, i64)>> {
    let found: Option<(Vec<u8>, i64)> = run!(session, |e| sqlx::query_as(
        "select sealed, confirmed_step from authenticators where tenant = $1 and consumer = $2 and secret_id = $3"
    )
    .bind(owner.tenant.to_owned())
    .bind(owner.consumer.to_owned())
    .bind(id)
    .fetch_optional(e))?;
    Ok(found.map(|(bytes, step)| (Sealed { id, bytes }, step)))
}

/// Counts one answer to a pending secret as wrong, ahead of its comparison: the secret, and how many that makes. `None` when it takes no
/// answers.
pub async fn count_pending(
    session: &mut impl Session,
    owner: Owner<'_>,
    id: Uuid,
    now: Timestamp,
) -> sqlx::Result<Option<(Sealed, i64)>> {
    let counted: Option<(Vec<u8>, i64)> = run!(session, |e| sqlx::query_as(
        "update authenticators set pending_attempts = pending_attempts + 1 \
         where tenant = $1 and consumer = $2 and pending_id = $3 and pending_until > $4 and pending_attempts < 5 \
         returning pending_sealed, pending_attempts"
    )
    .bind(owner.tenant.to_owned())
    .bind(owner.consumer.to_owned())
    .bind(id)
    .bind(now)
    .fetch_optional(e))?;
    Ok(counted.map(|(bytes, attempts)| (Sealed { id, bytes }, attempts)))
}

/// Makes a pending secret the one that proves, with the step of its first code as the first that is used up.
pub async fn confirm(
    session: &mut impl Session,
    owner: Owner<'_>,
    id: Uuid,
    step: i64,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let confirmed = affected!(
        session,
        sqlx::query(
            "update authenticators set secret_id = pending_id, sealed = pending_sealed, confirmed_at = $5, confirmed_step = $4, \
             last_step = $4, pending_id = null, pending_sealed = null, pending_until = null \
             where tenant = $1 and consumer = $2 and pending_id = $3"
        )
        .bind(owner.tenant.to_owned())
        .bind(owner.consumer.to_owned())
        .bind(id)
        .bind(step)
        .bind(now)
    )?;
    Ok(confirmed == 1)
}

/// Uses a step up: once, and none before the latest.
pub async fn use_step(session: &mut impl Session, owner: Owner<'_>, id: Uuid, step: i64) -> sqlx::Result<bool> {
    let used = affected!(
        session,
        sqlx::query(
            "update authenticators set last_step = $4 \
             where tenant = $1 and consumer = $2 and secret_id = $3 and last_step < $4"
        )
        .bind(owner.tenant.to_owned())
        .bind(owner.consumer.to_owned())
        .bind(id)
        .bind(step)
    )?;
    Ok(used == 1)
}

/// Drops the secret whose code was right, by the same rule: an unused step, or the first right code of a pending one.
pub async fn use_up(session: &mut impl Session, owner: Owner<'_>, id: Uuid, step: i64) -> sqlx::Result<bool> {
    let dropped = affected!(
        session,
        sqlx::query(
            "delete from authenticators where tenant = $1 and consumer = $2 \
             and (secret_id = $3 and last_step < $4 or secret_id is null and pending_id = $3)"
        )
        .bind(owner.tenant.to_owned())
        .bind(owner.consumer.to_owned())
        .bind(id)
        .bind(step)
    )?;
    Ok(dropped == 1)
}

/// Drops what there is; whether there was something.
pub async fn remove(session: &mut impl Session, owner: Owner<'_>) -> sqlx::Result<bool> {
    let removed = affected!(
        session,
        sqlx::query("delete from authenticators where tenant = $1 and consumer = $2")
            .bind(owner.tenant.to_owned())
            .bind(owner.consumer.to_owned())
    )?;
    Ok(removed == 1)
}

/// Drops one secret, and leaves what waits beside it; whether there was something to drop.
pub async fn remove_one(session: &mut impl Session, owner: Owner<'_>, id: Uuid) -> sqlx::Result<bool> {
    let removed = affected!(
        session,
        sqlx::query(
            "update authenticators set secret_id = null, sealed = null, confirmed_at = null, confirmed_step = null, last_step = null \
             where tenant = $1 and consumer = $2 and secret_id = $3"
        )
        .bind(owner.tenant.to_owned())
        .bind(owner.consumer.to_owned())
        .bind(id)
    )?;
    Ok(removed == 1)
}

/// Drops some pending secrets that waited until `mark` at most; answers how many.
pub async fn sweep(session: &mut impl Session, mark: Timestamp, limit: i64) -> sqlx::Result<u64> {
    affected!(
        session,
        sqlx::query(
            "update authenticators set pending_id = null, pending_sealed = null, pending_until = null \
             where (tenant, consumer) in (select tenant, consumer from authenticators where pending_until <= $1 \
             order by pending_until limit $2) and pending_until <= $1"
        )
        .bind(mark)
        .bind(limit)
    )
}

/// Deletes some rows in which no secret is left; answers how many.
pub async fn sweep_empty(session: &mut impl Session, limit: i64) -> sqlx::Result<u64> {
    affected!(
        session,
        sqlx::query(
            "delete from authenticators where (tenant, consumer) in (select tenant, consumer from authenticators \
             where secret_id is null and pending_id is null limit $1) and secret_id is null and pending_id is null"
        )
        .bind(limit)
    )
}
