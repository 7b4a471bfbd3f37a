//! Backup codes, as digests. Whether one may be used is decided in the statement that uses it.

use tessera_common::clock::Timestamp;
use tessera_storage::{Session, affected, run};
use uuid::Uuid;

use crate::domain::verification::Owner;

/// A code that was not used yet.
#[derive(Clone, Debug, sqlx::FromRow)]
pub struct Unused {
    pub set_id: Uuid,
    pub number: i64,
    pub digest: Vec<u8>,
}

/// What is left of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Left {
    pub codes_left: i64,
    pub issued_at: Timestamp,
}

/// Begins a consumer's first set; whether there was none.
pub async fn begin_first(
    session: &mut impl Session,
    owner: Owner<'_>,
    set_id: Uuid,
    now: Timestamp,
) -> sqlx::Result<bool> {
    begin(
        session,
        owner,
        set_id,
        now,
        "insert into backup_code_sets (tenant, consumer, set_id, issued_at) values ($1, $2, $3, $4) \
         on conflict (tenant, consumer) do nothing",
    )
    .await
}

/// Begins a set in the place of any other, whose codes die.
pub async fn begin_anew(
    session: &mut impl Session,
    owner: Owner<'_>,
    set_id: Uuid,
    now: Timestamp,
) -> sqlx::Result<()> {
    begin(
        session,
        owner,
        set_id,
        now,
        "insert into backup_code_sets (tenant, consumer, set_id, issued_at) values ($1, $2, $3, $4) \
         on conflict (tenant, consumer) do update set set_id = excluded.set_id, issued_at = excluded.issued_at",
    )
    .await?;
    affected!(
        session,
        sqlx::query("delete from backup_codes where tenant = $1 and consumer = $2")
            .bind(owner.tenant.to_owned())
            .bind(owner.consumer.to_owned())
    )?;
    Ok(())
}

async fn begin(
    session: &mut impl Session,
    owner: Owner<'_>,
    set_id: Uuid,
    now: Timestamp,
    text: &'static str,
) -> sqlx::Result<bool> {
    let begun = affected!(
        session,
        sqlx::query(text).bind(owner.tenant.to_owned()).bind(owner.consumer.to_owned()).bind(set_id).bind(now)
    )?;
    Ok(begun == 1)
}

/// Adds a code to a set that was begun in this transaction.
pub async fn add(session: &mut impl Session, owner: Owner<'_>, code: Unused) -> sqlx::Result<()> {
    affected!(
        session,
        sqlx::query("insert into backup_codes (tenant, consumer, set_id, number, digest) values ($1, $2, $3, $4, $5)")
            .bind(owner.tenant.to_owned())
            .bind(owner.consumer.to_owned())
            .bind(code.set_id)
            .bind(code.number)
            .bind(code.digest.clone())
    )?;
    Ok(())
}

/// The codes that a consumer has not used; `None` without a set.
pub async fn unused(session: &mut impl Session, owner: Owner<'_>) -> sqlx::Result<Option<Vec<Unused>>> {
    let codes: Vec<Unused> = run!(session, |e| sqlx::query_as(
        "select set_id, number, digest from backup_codes \
         where tenant = $1 and consumer = $2 and used_at is null order by number"
    )
    .bind(owner.tenant.to_owned())
    .bind(owner.consumer.to_owned())
    .fetch_all(e))?;
    if codes.is_empty() && left(session, owner).await?.is_none() {
        return Ok(None);
    }
    Ok(Some(codes))
}

/// What a consumer has left; `None` without a set.
pub async fn left(session: &mut impl Session, owner: Owner<'_>) -> sqlx::Result<Option<Left>> {
    run!(session, |e| sqlx::query_as(
        "select cast(count(c.number) as bigint) as codes_left, s.issued_at from backup_code_sets s \
         left join backup_codes c on c.tenant = s.tenant and c.consumer = s.consumer and c.used_at is null \
         where s.tenant = $1 and s.consumer = $2 group by s.issued_at"
    )
    .bind(owner.tenant.to_owned())
    .bind(owner.consumer.to_owned())
    .fetch_optional(e))
}

/// Uses a code up, once.
pub async fn use_up(session: &mut impl Session, owner: Owner<'_>, code: &Unused, now: Timestamp) -> sqlx::Result<bool> {
    let used = affected!(
        session,
        sqlx::query(
            "update backup_codes set used_at = $5 \
             where tenant = $1 and consumer = $2 and set_id = $3 and number = $4 and used_at is null"
        )
        .bind(owner.tenant.to_owned())
        .bind(owner.consumer.to_owned())
        .bind(code.set_id)
        .bind(code.number)
        .bind(now)
    )?;
    Ok(used == 1)
}

/// Drops the set with its codes; whether there was one.
pub async fn remove(session: &mut impl Session, owner: Owner<'_>) -> sqlx::Result<bool> {
    let removed = affected!(
        session,
        sqlx::query("delete from backup_code_sets where tenant = $1 and consumer = $2")
            .bind(owner.tenant.to_owned())
            .bind(owner.consumer.to_owned())
    )?;
    Ok(removed == 1)
}

/// Drops one set with its codes; whether it was there.
pub async fn remove_one(session: &mut impl Session, owner: Owner<'_>, set_id: Uuid) -> sqlx::Result<bool> {
    let removed = affected!(
        session,
        sqlx::query("delete from backup_code_sets where tenant = $1 and consumer = $2 and set_id = $3")
            .bind(owner.tenant.to_owned())
            .bind(owner.consumer.to_owned())
            .bind(set_id)
    )?;
    Ok(removed == 1)
}
