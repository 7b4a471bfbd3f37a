//! Which application a login is for.

use tessera_contracts::call::Failure;

use crate::domain::client::{ClientId, OAuthClient};
use crate::oauth::OAuth;
use crate::store::client_rows;

/// The application of that id; without one, the default application.
///
/// # Errors
/// When the database fails.
#[tracing::instrument(name = "oauth.find_application", skip_all)]
pub async fn find_application(oauth: &OAuth, id: Option<&str>) -> Result<Option<OAuthClient>, Failure> {
    let Some(id) = ClientId::parse(id.unwrap_or(&oauth.settings.default_application)) else { return Ok(None) };
    Ok(client_rows::find(&mut oauth.db.read().await?, &id).await?)
}
