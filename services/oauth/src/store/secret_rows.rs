//! Digests of client secrets. The secrets themselves are nowhere.

use tessera_common::clock::Timestamp;
use tessera_storage::{Session, affected, run};
use uuid::Uuid;

use crate::domain::client::ClientId;

/// The digests that are good now: two while an old secret overlaps a new one.
pub async fn live(session: &mut impl Session, client: &ClientId, now: Timestamp) -> sqlx::Result<Vec<Vec<u8>>> {
    run!(session, |e| sqlx::query_scalar(
        "select digest from client_secrets where client_id = $1 and (expires_at is null or expires_at > $2)"
    )
    .bind(client.to_string())
    .bind(now)
    .fetch_all(e))
}

/// Adds a secret that does not expire.
pub async fn insert(
    session: &mut impl Session,
    id: Uuid,
    client: &ClientId,
    digest: Vec<u8>,
    now: Timestamp,
) -> sqlx::Result<()> {
    affected!(
        session,
        sqlx::query("insert into client_secrets (id, client_id, digest, created_at) values ($1, $2, $3, $4)")
            .bind(id)
            .bind(client.to_string())
            .bind(digest)
            .bind(now)
    )?;
    Ok(())
}
