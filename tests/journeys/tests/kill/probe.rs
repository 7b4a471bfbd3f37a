//! Looking at what is left after a kill. What is seen is noted; whether it may be so, the history says.

use tessera_journeys::Outcome;

use crate::account::Account;
use crate::caller::Caller;

/// Tries the two passwords of which one must be right and the one before them, then every session. An account that seems not to be there is signed up again: half of one
/// would stand in the way.
pub async fn account(caller: &Caller<'_>, account: &Account) {
    let mut right = 0;
    for password in account.passwords.saturating_sub(3)..account.passwords {
        let (outcome, _) = caller.sign_in(&account.email, password).await;
        assert_ne!(outcome, Outcome::Unknown, "the platform is up");
        right += usize::from(outcome == Outcome::Done);
    }
    if right == 0 {
        caller.sign_up(&account.email, 0).await;
    }
    sessions(caller, account).await;
}

pub async fn sessions(caller: &Caller<'_>, account: &Account) {
    for session in &account.sessions {
        let outcome = caller.use_session(&account.email, session).await;
        assert_ne!(outcome, Outcome::Unknown, "the platform is up");
    }
}

/// Tries the password of everybody who fought for an address.
pub async fn contest(caller: &Caller<'_>, contested: &str, contestants: usize) {
    for password in 0..contestants {
        let (outcome, _) = caller.sign_in(contested, password).await;
        assert_ne!(outcome, Outcome::Unknown, "the platform is up");
    }
}
