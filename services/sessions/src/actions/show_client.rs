//! The client as the client API shows it: its listed sessions, whose they are, and a fresh token for each that lives.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use tessera_common::clock::Timestamp;
use tessera_contracts::call::Failure;
use tessera_contracts::ids::{SessionId, UserId};

use super::mint::mint;
use super::resolve::Presented;
use crate::domain::client::Client;
use crate::domain::person::Person;
use crate::domain::session::Session;
use crate::sessions::Sessions;
use crate::store::{person_rows, presented_rows};

/// A client and its sessions as its secret may see them: what an answer is decided by, before any of it is shown.
#[derive(Debug)]
pub struct Seen {
    client: Client,
    sessions: Vec<Session>,
    now: Timestamp,
}

/// What a client has under an id.
#[derive(Debug)]
pub enum Found<'a> {
    /// A session of its own, in whatever status.
    Session(&'a Session),
    /// None: unknown, another client's, or removed.
    Nothing {
        /// Whether it is signed in anywhere.
        signed_in: bool,
    },
}

impl Seen {
    /// The session of an id, if this client may see it.
    #[must_use]
    pub fn find(&self, id: Option<SessionId>) -> Found<'_> {
        match self.sessions.iter().find(|session| Some(session.id) == id) {
            Some(session) => Found::Session(session),
            None => Found::Nothing { signed_in: self.sessions.iter().any(|session| session.is_live(self.now)) },
        }
    }

    /// The live session that acts: the one of `named`, or without a name the one used last.
    #[must_use]
    pub fn acting(&self, named: Option<Option<SessionId>>) -> Option<&Session> {
        match self.find(named.unwrap_or(self.client.last_active_session)) {
            Found::Session(session) if session.is_live(self.now) => Some(session),
            Found::Session(_) | Found::Nothing { .. } => None,
        }
    }
}

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

/// The client as it presented its secret.
#[must_use]
pub fn see_client(sessions: &Sessions, presented: Presented) -> Seen {
    Seen { client: presented.client, sessions: presented.listed, now: sessions.clock.now() }
}

/// What was seen, with whose the sessions are and a token for each that lives. A token costs a signature: ask for what is answered.
///
/// # Errors
/// [`Failure`].
#[tracing::instrument(name = "sessions.show_seen", skip_all)]
pub async fn show_seen(sessions: &Sessions, seen: Seen, azp: Option<&str>) -> Result<Shown, Failure> {
    let Seen { client, sessions: listed, now } = seen;
    let mut on = sessions.db.read().await?;
    let mut people: HashMap<UserId, Option<Person>> = HashMap::new();
    let mut shown = Vec::new();
    for session in listed {
        if let Entry::Vacant(unknown) = people.entry(session.user) {
            unknown.insert(person_rows::of(&mut on, session.user).await?);
        }
        let person = people.get(&session.user).cloned().flatten();
        let token = if session.is_live(now) { Some(mint(sessions, &session, azp, now)?) } else { None };
        shown.push(ShownSession { session, person, token });
    }
    Ok(Shown { client, sessions: shown, now })
}

/// Everything about a client that was changed since it presented its secret.
///
/// # Errors
/// [`Failure`].
pub async fn show_changed(sessions: &Sessions, presented: Presented, azp: Option<&str>) -> Result<Shown, Failure> {
    let (client, digest) = (presented.client.id, &presented.digest);
    let seen = presented_rows::by_id(&mut sessions.db.read().await?, client, digest).await?;
    let seen = seen.map_or_else(
        || see_client(sessions, presented),
        |now| Seen { client: now.client, sessions: now.listed, now: sessions.clock.now() },
    );
    show_seen(sessions, seen, azp).await
}
