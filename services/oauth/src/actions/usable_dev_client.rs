//! Keeps the clients of the dev profile out of production.

use tessera_contracts::call::Failure;

use super::bootstrap_dev::{CONFIDENTIAL, PUBLIC};
use crate::domain::client::ClientId;
use crate::oauth::OAuth;
use crate::store::client_rows;

/// The first client of the dev profile that could be used: its secret is public, and its redirect URI anybody's on the machine.
///
/// # Errors
/// When the database fails.
pub async fn usable_dev_client(oauth: &OAuth) -> Result<Option<ClientId>, Failure> {
    let mut conn = oauth.db.read().await?;
    for id in [CONFIDENTIAL, PUBLIC].into_iter().filter_map(ClientId::parse) {
        if client_rows::find(&mut conn, &id).await?.is_some_and(|client| client.enabled) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}
