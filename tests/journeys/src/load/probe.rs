//! Looking at what is left after a fault. What is seen is noted; whether it may be so, the history says.

use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use tessera_testkit::Value;

use super::account::Account;
use super::back_end::Codes;
use super::browser::SignedIn;
use super::caller::Caller;
use crate::eventually;
use crate::history::Outcome;

/// Until every mail has come, also one whose sender was killed while it was sending: it is left to it for half a minute.
const ANY_MAIL: Duration = Duration::from_secs(60);

/// Tries of each account the passwords of which one must be right and the one before them, then every session. One that seems not to be
/// there is signed up again: half of one would stand in the way.
///
/// # Panics
/// When the platform is down.
pub async fn accounts(caller: &Caller<'_>, accounts: &[Account]) {
    for account in accounts {
        let newest = account.passwords.saturating_sub(3)..account.passwords;
        let mut right = 0;
        for password in newest.clone().chain(account.candidates.iter().copied().filter(|one| !newest.contains(one))) {
            let (outcome, _) = caller.sign_in(&account.email, password).await;
            assert_ne!(outcome, Outcome::Unknown, "the platform is up");
            right += usize::from(outcome == Outcome::Done);
        }
        if right == 0 {
            caller.sign_up(&account.email, 0).await;
        }
        sessions(caller, account).await;
    }
}

/// Tries every session of an account.
///
/// # Panics
/// When the platform is down.
pub async fn sessions(caller: &Caller<'_>, account: &Account) {
    for session in &account.sessions {
        let outcome = caller.use_session(&account.email, session).await;
        assert_ne!(outcome, Outcome::Unknown, "the platform is up");
    }
}

/// Tries the password of everybody who fought for an address.
///
/// # Panics
/// When the platform is down.
pub async fn contest(caller: &Caller<'_>, contested: &str, contestants: usize) {
    for password in 0..contestants {
        let (outcome, _) = caller.sign_in(contested, password).await;
        assert_ne!(outcome, Outcome::Unknown, "the platform is up");
    }
}

/// Mints in every session of browsers, and checks every token that was ever minted in one with the keys that are published now: those
/// who hold a token do that, and ask nobody (I13).
///
/// # Panics
/// When the platform is down, or a token is not signed by a published key.
pub async fn signed_in(caller: &Caller<'_>, opened: &[SignedIn]) {
    let published = caller.api.get("/.well-known/jwks.json").send().await.expect(200).json();
    for session in opened {
        let mut session = session.clone();
        assert_ne!(caller.mint(&mut session).await, Outcome::Unknown, "the platform is up");
        for token in &session.minted {
            assert!(is_signed(token, &published), "{token} by none of {published}");
        }
    }
}

/// Whether a token is signed by the published key that it names. Its end, a minute after it was minted, may have come.
fn is_signed(token: &str, published: &Value) -> bool {
    let mut rules = Validation::new(Algorithm::RS256);
    rules.validate_exp = false;
    let kid = decode_header(token).ok().and_then(|header| header.kid);
    let key =
        published["keys"].as_array().and_then(|keys| keys.iter().find(|key| key["kid"].as_str() == kid.as_deref()));
    let members = key.and_then(|key| Some((key["n"].as_str()?, key["e"].as_str()?)));
    let key = members.and_then(|(n, e)| DecodingKey::from_rsa_components(n, e).ok());
    key.is_some_and(|key| decode::<Value>(token, &key, &rules).is_ok())
}

/// Uses every token of a back end, and presents every code twice.
///
/// # Panics
/// When the platform is down, or a code was never mailed.
pub async fn codes(caller: &Caller<'_>, codes: &Codes) {
    let Some(newest) = codes.tokens.last() else { return };
    for (id, consumer) in &codes.verifications {
        let code = eventually(&format!("a mail to {consumer}"), ANY_MAIL, async || caller.code(consumer).await).await;
        for _ in 0..2 {
            assert_ne!(caller.spend(newest, id, &code).await, Outcome::Unknown, "the platform is up");
        }
    }
    for token in &codes.tokens {
        assert_ne!(caller.look(token, "none").await, Outcome::Unknown, "the platform is up");
    }
}
