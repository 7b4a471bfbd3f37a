//! Who presents a credential. Read from the database each time: no cache says that a credential is good.

use secrecy::ExposeSecret as _;
use tessera_common::clock::Timestamp;
use tessera_contracts::ids::{BrowserClientId, UserId};
use tessera_contracts::sessions::Credential;
use tessera_tokens::opaque::Kind;

use crate::domain::client::{Client, ClientKind, Standing};
use crate::domain::session::{Policy, Session};
use crate::sessions::Sessions;
use crate::store::presented_rows::SeenClient;
use crate::store::{client_rows, presented_rows, session_changes, session_rows};

/// A client that presented its secret, and what the secret is worth.
#[derive(Clone, Debug)]
pub struct Presented {
    /// The client.
    pub client: Client,
    /// What its secret is worth.
    pub standing: Standing,
    /// The secret's digest.
    pub digest: Vec<u8>,
    /// The client's sessions as the secret may see them, those used last first: a stale one sees them as they were before the rise.
    pub listed: Vec<Session>,
}

/// The client of a cookie or of an app's token; `None` for one that was never known.
#[tracing::instrument(name = "sessions.resolve.client", skip_all)]
pub async fn client(sessions: &Sessions, credential: &Credential) -> sqlx::Result<Option<Presented>> {
    let Some((kind, digest)) = secret(credential) else { return Ok(None) };
    let now = sessions.clock.now();
    let found = presented_rows::by_secret(&mut sessions.db.read().await?, kind, &digest).await?;
    let Some(SeenClient { client, is_current, listed }) = found else { return Ok(None) };
    if is_current && client.is_first_presented() {
        client_rows::note_presented(&mut sessions.db.write().await?, &digest, now).await?;
    }
    let standing = if is_current { Standing::Current } else { client.previous_is(now) };
    Ok(Some(Presented { client, standing, digest, listed }))
}

/// A client whose present secret was presented.
#[derive(Clone, Debug)]
pub struct Holder {
    /// The client.
    pub client: BrowserClientId,
    /// The secret's digest.
    pub digest: Vec<u8>,
}

/// The client of a cookie or of an app's token, if that is its present secret.
pub async fn holder(sessions: &Sessions, credential: &Credential) -> sqlx::Result<Option<Holder>> {
    let Some((kind, digest)) = secret(credential) else { return Ok(None) };
    let found = client_rows::by_present_secret(&mut sessions.db.read().await?, kind, &digest).await?;
    Ok(found.map(|client| Holder { client, digest }))
}

/// The kind of client that presents this, and its secret's digest; `None` for what cannot be a client's secret.
fn secret(credential: &Credential) -> Option<(ClientKind, Vec<u8>)> {
    let (kind, secret) = match credential {
        Credential::Cookie(secret) => (ClientKind::Browser, secret),
        Credential::Native(secret) => (ClientKind::Native, secret),
        Credential::SessionToken(_) => return None,
    };
    Kind::BrowserClient.digest(secret.expose_secret()).map(|digest| (kind, digest))
}

/// The live session of an accounts API token. Using it is noted, at most once a minute.
#[tracing::instrument(name = "sessions.resolve.by_token", skip_all)]
pub async fn by_token(sessions: &Sessions, presented: &str) -> sqlx::Result<Option<Session>> {
    let Some(digest) = Kind::Session.digest(presented) else { return Ok(None) };
    let now = sessions.clock.now();
    let session = session_rows::by_token(&mut sessions.db.read().await?, digest).await?;
    let Some(session) = session.filter(|session| session.is_live(now)) else { return Ok(None) };
    note_use(sessions, &session, now).await?;
    Ok(Some(session))
}

/// Notes a use of a session, if the last one is long enough ago.
pub async fn note_use(sessions: &Sessions, session: &Session, now: Timestamp) -> sqlx::Result<()> {
    if session.is_worth_noting(now) {
        let policy = Policy::of(session.entry);
        let (expire_at, abandon_at) = (policy.expire_at(session.started_at, now), policy.abandon_at(now));
        session_changes::note_use(&mut sessions.db.write().await?, session, expire_at, abandon_at, now).await?;
    }
    Ok(())
}

/// Whether the client of a credential has held a session of a user.
pub async fn has_held(sessions: &Sessions, credential: &Credential, user: UserId) -> sqlx::Result<bool> {
    let Some((kind, digest)) = secret(credential) else { return Ok(false) };
    let found = session_rows::acquaintance(&mut sessions.db.read().await?, kind, &digest, user).await?;
    let Some(found) = found else { return Ok(false) };
    if found.is_first_presented {
        client_rows::note_presented(&mut sessions.db.write().await?, &digest, sessions.clock.now()).await?;
    }
    Ok(found.has_held)
}
