//! Digests of client secrets. The secrets themselves are nowhere.

use tessera_common::clock::Timestamp;
use tessera_storage::{Session, affected};
use uuid::Uuid;

use crate::domain::client::ClientId;

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
