//! What this context says of a user: the whole public state, and no secret.

use tessera_contracts::events;

use crate::domain::user::User;

/// The user as events carry it.
pub fn user(user: &User) -> events::User {
    events::User {
        id: user.id.to_string(),
        number: user.number,
        email: user.email.clone(),
        email_verified: user.email_verified_at.is_some(),
        status: user.status.name().to_owned(),
        security_epoch: user.security_epoch,
        version: user.version,
        created_at: user.created_at.timestamp_micros(),
        updated_at: user.updated_at.timestamp_micros(),
        ..Default::default()
    }
}
