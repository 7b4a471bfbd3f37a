//! Mailed links: what each is good for, and whether it has had its effect.

use tessera_common::clock::Timestamp;
use tessera_contracts::ids::{UserId, VerificationId};
use tessera_storage::{Session, affected, run};
use uuid::Uuid;

use crate::domain::mailed_link::Purpose;

/// Notes a link that is about to be mailed.
pub async fn insert(
    session: &mut impl Session,
    id: VerificationId,
    user: UserId,
    purpose: Purpose,
    address: &str,
    now: Timestamp,
) -> sqlx::Result<()> {
    affected!(
        session,
        sqlx::query(
            "insert into mailed_links (verification_id, user_id, purpose, address, created_at) values ($1, $2, $3, $4, $5)"
        )
        .bind(id.uuid())
        .bind(user.uuid())
        .bind(purpose.name())
        .bind(address.to_owned())
        .bind(now)
    )?;
    Ok(())
}

/// A link as it was mailed.
#[derive(Clone, Debug)]
pub struct Link {
    /// Whose it is.
    pub user: UserId,
    /// The address it is about, in canonical form.
    pub address: String,
}

/// The link of a verification, if it is for `purpose`.
pub async fn find(session: &mut impl Session, id: VerificationId, purpose: Purpose) -> sqlx::Result<Option<Link>> {
    let row: Option<(Uuid, String)> = run!(session, |e| sqlx::query_as(
        "select user_id, address from mailed_links where verification_id = $1 and purpose = $2"
    )
    .bind(id.uuid())
    .bind(purpose.name())
    .fetch_optional(e))?;
    Ok(row.map(|(user, address)| Link { user: user.into(), address }))
}

/// Spends a link: its effect happens in this transaction, once. False if it has had it.
pub async fn spend(session: &mut impl Session, id: VerificationId, now: Timestamp) -> sqlx::Result<bool> {
    let spent = affected!(
        session,
        sqlx::query("update mailed_links set done_at = $2 where verification_id = $1 and done_at is null")
            .bind(id.uuid())
            .bind(now)
    )?;
    Ok(spent == 1)
}

/// Spends every outstanding link of a user for `purpose`, without effect.
pub async fn void(session: &mut impl Session, user: UserId, purpose: Purpose, now: Timestamp) -> sqlx::Result<()> {
    affected!(
        session,
        sqlx::query("update mailed_links set done_at = $3 where user_id = $1 and purpose = $2 and done_at is null")
            .bind(user.uuid())
            .bind(purpose.name())
            .bind(now)
    )?;
    Ok(())
}

/// When the links for `purpose` of the time since `since` were mailed, newest first.
pub async fn mailed_since(
    session: &mut impl Session,
    user: UserId,
    purpose: Purpose,
    since: Timestamp,
) -> sqlx::Result<Vec<Timestamp>> {
    run!(session, |e| {
        sqlx::query_scalar(
        "select created_at from mailed_links where user_id = $1 and purpose = $2 and created_at > $3 order by created_at desc"
    )
    .bind(user.uuid())
    .bind(purpose.name())
    .bind(since)
    .fetch_all(e)
    })
}
