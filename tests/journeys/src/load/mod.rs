//! Load for fault tests: callers who work on accounts, sessions and codes, and note in a history what came of it; and a look afterwards
//! at all they were told of.

mod account;
mod back_end;
mod browser;
mod caller;
mod newcomers;
mod person;
mod probe;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use account::{Account, Opened};
pub use back_end::{BackEnd, Codes};
pub use browser::{Browser, SignedIn};
pub use caller::{Caller, Fuse};
pub use newcomers::Newcomers;
pub use person::Person;
pub use probe::{accounts, codes, contest, sessions, signed_in};

/// How long a caller waits who got no answer.
const PAUSE: Duration = Duration::from_millis(50);

/// When callers stop.
#[derive(Clone, Copy, Debug)]
pub enum Until<'a> {
    /// As soon as one of their calls has no answer.
    Silence,
    /// When they are told.
    Told(&'a AtomicBool),
}

impl Until<'_> {
    /// Whether a caller goes on after a step, which is `None` if nobody knows what came of it.
    async fn goes_on(self, step: Option<()>) -> bool {
        match self {
            Self::Silence => step.is_some(),
            Self::Told(told) => {
                if step.is_none() {
                    tokio::time::sleep(PAUSE).await;
                }
                !told.load(Ordering::Relaxed)
            }
        }
    }
}
