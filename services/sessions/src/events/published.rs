//! What this context says of a session: the whole public state, and no secret.

use tessera_contracts::events;

use crate::domain::session::{Session, entry_name};

/// The session as events carry it.
pub fn session(session: &Session) -> events::Session {
    events::Session {
        id: session.id.to_string(),
        number: session.number,
        user_id: session.user.to_string(),
        status: session.stored.name().to_owned(),
        epoch: session.epoch,
        entry: entry_name(session.entry).to_owned(),
        user_agent: session.user_agent.clone(),
        ip_address: Some(session.address.clone()),
        started_at: session.started_at.timestamp_micros(),
        ended_at: session.ended_at.map(|at| at.timestamp_micros()),
        ended_reason: session.ended_reason.clone(),
        version: session.version,
    }
}
