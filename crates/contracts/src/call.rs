//! How a call between contexts fails.

use tessera_common::dialect::Accident;
use tessera_storage::database::is_unavailable;

/// A call that did not happen as it should.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The other context cannot be reached or cannot work now; the caller may try later.
    #[error("{callee} is not available")]
    Unavailable {
        /// Who was called.
        callee: &'static str,
        /// Seconds until it may be tried again.
        retry_after: u32,
    },
    /// The call reached the other context and failed there, or did not fit: a fault of ours.
    #[error("{callee} failed: {cause}")]
    Failed {
        /// Who was called.
        callee: &'static str,
        /// What it said.
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl CallError {
    /// What an operation that needed the call answers.
    #[must_use]
    pub fn accident(self) -> Accident {
        match self {
            Self::Unavailable { retry_after, .. } => Accident::Unavailable { retry_after },
            Self::Failed { .. } => Accident::Internal(Box::new(self)),
        }
    }

    /// What it was that cannot be, if the call failed because it asked for that.
    #[must_use]
    pub fn misuse(&self) -> Option<&'static str> {
        let Self::Failed { cause, .. } = self else { return None };
        match cause.downcast_ref() {
            Some(Failure::Misused(what)) => Some(what),
            _ => None,
        }
    }
}

/// Why an action could not be carried out, whatever it was: nobody's fault who called, but for a sibling that asks for what cannot be.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// More work is queued than can be done in time.
    #[error("too much work is queued")]
    Busy,
    /// The database.
    #[error("the database failed")]
    Store(#[from] sqlx::Error),
    /// Another context.
    #[error("a call failed")]
    Call(#[from] CallError),
    /// A sibling asked for what cannot be.
    #[error("{0}")]
    Misused(&'static str),
    /// Anything else that should not happen.
    #[error(transparent)]
    Internal(Box<dyn std::error::Error + Send + Sync>),
}

impl Failure {
    /// What an operation that failed so answers.
    #[must_use]
    pub fn accident(self) -> Accident {
        match self {
            Self::Busy => Accident::Unavailable { retry_after: 1 },
            Self::Store(error) if passes(&error) => Accident::Unavailable { retry_after: 1 },
            Self::Store(error) => Accident::Internal(Box::new(error)),
            Self::Call(error) => error.accident(),
            Self::Misused(what) => Accident::Internal(what.into()),
            Self::Internal(error) => Accident::Internal(error),
        }
    }

    /// The same, as a sibling that called sees it.
    #[must_use]
    pub fn as_callee(self, callee: &'static str) -> CallError {
        match self {
            Self::Busy => CallError::Unavailable { callee, retry_after: 1 },
            Self::Store(error) if passes(&error) => CallError::Unavailable { callee, retry_after: 1 },
            Self::Call(error @ CallError::Unavailable { .. }) => error,
            other => CallError::Failed { callee, cause: Box::new(other) },
        }
    }
}

/// Whether trouble with the database passes. The reason is said here: the caller learns only when to come again.
fn passes(error: &sqlx::Error) -> bool {
    let passes = is_unavailable(error);
    if passes {
        tracing::warn!(%error, "the database is not available");
    }
    passes
}
