//! The access token that a first-party application gets with a login.

use tessera_contracts::call::Failure;
use tessera_contracts::ids::{SessionId, UserId};

use super::find_application::find_application;
use super::sign_access_token::{IssuedToken, Subject, sign_access_token};
use crate::domain::resource::Resource;
use crate::domain::scope::Scopes;
use crate::oauth::OAuth;

/// What such a token is good for, as far as the application is registered for it.
const SCOPES: [&str; 3] = ["openid", "profile", "email"];

/// Issues a token for a session that has just begun. `None` when the application is not an enabled first-party one, or the session
/// does not stand.
///
/// # Errors
/// When sessions cannot be asked, or the database fails.
#[tracing::instrument(name = "oauth.issue_first_party", skip_all)]
pub async fn issue_first_party(
    oauth: &OAuth,
    user: UserId,
    session: SessionId,
    application: &str,
) -> Result<Option<IssuedToken>, Failure> {
    let client = find_application(oauth, Some(application)).await?;
    let Some(client) = client.filter(|client| client.enabled && client.first_party) else { return Ok(None) };
    let standing = oauth.sessions.standing(user, Some(session)).await?;
    if !standing.alive || standing.disabled {
        return Ok(None);
    }
    let scopes = client.scopes.only(|scope| SCOPES.contains(&scope.name));
    let audience = audience(&scopes);
    if audience.is_empty() {
        return Ok(None);
    }
    let proved_at = standing.first_factor_at.max(standing.second_factor_at);
    let subject = Subject { id: user.to_string(), session: Some(session), proved_at };
    Ok(Some(sign_access_token(oauth, &client, subject, &scopes, &audience)?))
}

fn audience(scopes: &Scopes) -> Vec<Resource> {
    let mut resources: Vec<_> = scopes.iter().filter_map(|scope| scope.opens_for(true)).collect();
    resources.dedup();
    resources
}
