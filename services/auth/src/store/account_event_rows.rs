//! What happened to an account, for its owner and for audit.

use tessera_common::clock::Timestamp;
use tessera_common::server::Caller;
use tessera_contracts::ids::UserId;
use tessera_storage::{Session, affected};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// A session began.
    SignedIn,
    /// A session ended.
    SignedOut,
    /// Another password.
    PasswordChanged,
    /// The address was proved.
    EmailVerified,
    /// A message to the user was given up.
    DeliveryFailed,
    /// A code of the user was guessed at until it ended.
    VerificationExhausted,
}

impl Action {
    const fn name(self) -> &'static str {
        match self {
            Self::SignedIn => "signed_in",
            Self::SignedOut => "signed_out",
            Self::PasswordChanged => "password_changed",
            Self::EmailVerified => "email_verified",
            Self::DeliveryFailed => "delivery_failed",
            Self::VerificationExhausted => "verification_exhausted",
        }
    }
}

/// An event about to be noted.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub user: UserId,
    pub action: Action,
    pub user_agent: Option<String>,
    pub address: Option<String>,
    pub at: Timestamp,
}

impl NewEvent {
    /// An event that the caller of a request caused.
    pub fn by(caller: &Caller, user: UserId, action: Action, at: Timestamp) -> Self {
        Self { user, action, user_agent: caller.user_agent.clone(), address: Some(caller.address.to_string()), at }
    }
}

/// Notes an event, in the transaction of what happened.
pub async fn insert(session: &mut impl Session, event: NewEvent) -> sqlx::Result<()> {
    affected!(
        session,
        sqlx::query(
            "insert into account_events (user_id, action, user_agent, address, at) values ($1, $2, $3, $4, $5)"
        )
        .bind(event.user.uuid())
        .bind(event.action.name())
        .bind(event.user_agent.clone())
        .bind(event.address.clone())
        .bind(event.at)
    )?;
    Ok(())
}
