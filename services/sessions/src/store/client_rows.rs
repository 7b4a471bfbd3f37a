//! Browser clients and their secrets. What a secret may see is in `presented_rows`.

use tessera_common::clock::Timestamp;
use tessera_contracts::ids::{BrowserClientId, SessionId};
use tessera_storage::{Session, affected, run};
use uuid::Uuid;

use crate::domain::client::ClientKind;

/// The client of `kind` whose present secret this is.
pub async fn by_present_secret(
    session: &mut impl Session,
    kind: ClientKind,
    digest: &[u8],
) -> sqlx::Result<Option<BrowserClientId>> {
    let id: Option<Uuid> =
        run!(session, |e| sqlx::query_scalar("select id from browser_clients where secret_digest = $1 and kind = $2")
            .bind(digest.to_vec())
            .bind(kind.name())
            .fetch_optional(e))?;
    Ok(id.map(BrowserClientId::from))
}

/// Makes a client; one without a secret is nobody's to present.
pub async fn insert(
    session: &mut impl Session,
    id: BrowserClientId,
    kind: ClientKind,
    secret: Option<Vec<u8>>,
    now: Timestamp,
) -> sqlx::Result<()> {
    affected!(
        session,
        sqlx::query(
            "insert into browser_clients (id, kind, secret_digest, rotated_at, auth_changed_at, created_at) \
             values ($1, $2, $3, $4, $4, $4)"
        )
        .bind(id.uuid())
        .bind(kind.name())
        .bind(secret.clone())
        .bind(now)
    )?;
    Ok(())
}

/// Replaces the secret, if it is still the one that was presented. The one before stays for a moment if `keep_previous`. False when
/// another rise came first: the presented secret is then not the client's any more.
pub async fn rotate(
    session: &mut impl Session,
    id: BrowserClientId,
    presented: &[u8],
    digest: Vec<u8>,
    keep_previous: bool,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let rotated = affected!(
        session,
        sqlx::query(
            "update browser_clients set previous_digest = case when $3 then secret_digest else null end, \
             secret_digest = $2, rotated_at = $4, presented_at = null where id = $1 and secret_digest = $5"
        )
        .bind(id.uuid())
        .bind(digest.clone())
        .bind(keep_previous)
        .bind(now)
        .bind(presented.to_vec())
    )?;
    Ok(rotated == 1)
}

/// Notes that the present secret was presented while the previous one is still around.
pub async fn note_presented(session: &mut impl Session, digest: &[u8], now: Timestamp) -> sqlx::Result<()> {
    affected!(
        session,
        sqlx::query(
            "update browser_clients set presented_at = $2 \
             where secret_digest = $1 and presented_at is null and previous_digest is not null"
        )
        .bind(digest.to_vec())
        .bind(now)
    )?;
    Ok(())
}

/// Notes that a session started on the client: it acts from now on.
pub async fn session_started(
    session: &mut impl Session,
    id: BrowserClientId,
    started: SessionId,
    now: Timestamp,
) -> sqlx::Result<()> {
    affected!(
        session,
        sqlx::query("update browser_clients set auth_changed_at = $3, last_active_session = $2 where id = $1")
            .bind(id.uuid())
            .bind(started.uuid())
            .bind(now)
    )?;
    Ok(())
}

/// Notes that a session ended on the client: the old secret dies, and if the session was the one that acts, the live one that was
/// used last takes its place.
pub async fn session_ended(
    session: &mut impl Session,
    id: BrowserClientId,
    ended: SessionId,
    now: Timestamp,
) -> sqlx::Result<()> {
    affected!(
        session,
        sqlx::query(
            "update browser_clients set auth_changed_at = $3, previous_digest = null, \
             last_active_session = case when last_active_session = $2 then \
               (select s.id from sessions s where s.client_id = $1 and s.status = 'active' and s.expire_at > $3 \
                and s.abandon_at > $3 order by s.last_active_at desc, s.number desc limit 1) \
               else last_active_session end \
             where id = $1"
        )
        .bind(id.uuid())
        .bind(ended.uuid())
        .bind(now)
    )?;
    Ok(())
}
