//! The client as the client API shows it: its listed sessions, whose they are, and a fresh token for each that lives.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use tessera_common::clock::Timestamp;
use tessera_contracts::call::Failure;
use tessera_contracts::ids::{SessionId, UserId};

use super::mint::mint;
use super::resolve::{self, Presented};
use crate::domain::client::Client;
use crate::domain::person::Person;
use crate::domain::session::Session;
use crate::sessions::Sessions;
use crate::store::{client_rows, person_rows};

/// A client with all that is shown of it.
#[derive(Debug)]
pub struct Shown {
    /// The client.
    pub client: Client,
    /// Its sessions, those used last first.
    pub sessions: Vec<ShownSession>,
    /// When it is shown.
    pub now: Timestamp,
}

impl Shown {
    /// One of its sessions.
    #[must_use]
    pub fn session(&self, id: SessionId) -> Option<&ShownSession> {
        self.sessions.iter().find(|shown| shown.session.id == id)
    }
}

/// A session with all that is shown of it.
#[derive(Debug)]
pub struct ShownSession {
    /// The session.
    pub session: Session,
    /// Whose it is; `None` while nothing was heard of them.
    pub person: Option<Person>,
    /// A token, if the session lives.
    pub token: Option<String>,
}

/// Everything about the client that presented its secret, as it is now.
///
/// # Errors
/// [`Failure`].
#[tracing::instrument(name = "sessions.show_client", skip_all)]
pub async fn show_client(sessions: &Sessions, presented: &Presented, azp: Option<&str>) -> Result<Shown, Failure> {
    let now = sessions.clock.now();
    let mut on = sessions.db.read().await?;
    let client = client_rows::by_id(&mut on, presented.client.id).await?.unwrap_or_else(|| presented.client.clone());
    let mut people: HashMap<UserId, Option<Person>> = HashMap::new();
    let mut shown = Vec::new();
    for session in resolve::listed(&mut on, presented).await? {
        if let Entry::Vacant(unknown) = people.entry(session.user) {
            unknown.insert(person_rows::of(&mut on, session.user).await?);
        }
        let person = people.get(&session.user).cloned().flatten();
        let token = if session.is_live(now) { Some(mint(sessions, &session, azp, now)?) } else { None };
        shown.push(ShownSession { session, person, token });
    }
    Ok(Shown { client, sessions: shown, now })
}
