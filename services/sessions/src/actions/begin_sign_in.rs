//! A login whose first factor was proved. Without a second one due it is complete at once: the session, the client's new secret and
//! the sign-in commit together.

use chrono::TimeDelta;
use secrecy::SecretString;
use tessera_common::clock::Timestamp;
use tessera_contracts::call::Failure;
use tessera_contracts::events::SessionStarted;
use tessera_contracts::ids::{BrowserClientId, SessionId, SignInId};
use tessera_contracts::sessions::{Account, BeginSignIn, Entry, SessionBegun, SignInOutcome};
use tessera_storage::Tx;
use tessera_tokens::opaque::{Kind, stored_digest};

use super::resolve::{self, Holder};
use crate::domain::client::ClientKind;
use crate::domain::person::Person;
use crate::domain::session::{Policy, Session, Status};
use crate::events::published;
use crate::sessions::Sessions;
use crate::store::session_changes::NewSession;
use crate::store::sign_in_rows::NewSignIn;
use crate::store::{client_rows, floor_rows, person_rows, session_changes, session_rows, sign_in_rows};

/// How long a pending login lives.
const SIGN_IN_LIFE: TimeDelta = TimeDelta::minutes(10);

/// Begins the login.
///
/// # Errors
/// [`Failure`] when it could not be committed. A repeat with the same `op` has the same outcome.
#[tracing::instrument(name = "sessions.begin_sign_in", skip_all)]
pub async fn begin_sign_in(sessions: &Sessions, begin: BeginSignIn) -> Result<SignInOutcome, Failure> {
    // A stale or unknown secret is never adopted: the login gets a client of its own.
    let holder = match &begin.credential {
        Some(credential) => resolve::holder(sessions, credential).await?,
        None => None,
    };
    if let Some(outcome) = attempt(sessions, &begin, holder.as_ref()).await? {
        return Ok(outcome);
    }
    // Another login replaced the presented secret meanwhile, so it is stale by now.
    attempt(sessions, &begin, None).await?.ok_or(Failure::Busy)
}

/// `None`, with nothing changed, when the presented secret is not the client's any more.
async fn attempt(
    sessions: &Sessions,
    begin: &BeginSignIn,
    holder: Option<&Holder>,
) -> Result<Option<SignInOutcome>, Failure> {
    let now = sessions.clock.now();
    let mut tx = sessions.db.begin().await?;
    let floor = floor_rows::hold(&mut tx, begin.account.user).await?;
    if let Some((sign_in, _)) = sign_in_rows::by_op(&mut tx, begin.op).await? {
        return repeated(sessions, tx, begin, sign_in.into()).await.map(Some);
    }
    if !floor.admits(born_under(begin)) {
        return Ok(Some(SignInOutcome::Refused));
    }
    person_rows::keep(&mut tx, &person(&begin.account)).await?;
    let client = match holder {
        Some(holder) if !rise(sessions, &mut tx, begin, holder, now).await? => return Ok(None),
        Some(holder) => holder.client,
        None => new_client(sessions, &mut tx, begin, now).await?,
    };
    let outcome = if begin.account.demanded.is_empty() {
        start_session(sessions, &mut tx, begin, client, now).await?
    } else {
        let sign_in = note_sign_in(sessions, &mut tx, begin, client, "needs_second", now).await?;
        waiting(sessions, begin, sign_in)
    };
    tx.commit().await?;
    sessions.committed();
    Ok(Some(outcome))
}

/// The least epoch that any part of the login was read under.
fn born_under(begin: &BeginSignIn) -> i64 {
    begin.proofs.iter().map(|proof| proof.epoch).fold(begin.account.epoch, i64::min)
}

/// A client that has its secret from the start: nothing is there yet that could give way.
async fn new_client(
    sessions: &Sessions,
    tx: &mut Tx,
    begin: &BeginSignIn,
    now: Timestamp,
) -> sqlx::Result<BrowserClientId> {
    let kind = if begin.entry == Entry::Api { ClientKind::Api } else { ClientKind::Browser };
    let id = BrowserClientId::new(now, &sessions.random);
    let secret = client_token(sessions, begin);
    client_rows::insert(tx, id, kind, secret.as_ref().map(stored_digest), now).await?;
    Ok(id)
}

/// Replaces the secret of a client that was there, for a factor was proved, and with it the login it had begun. If the login is
/// complete, ended sessions leave the client's list, and one of the same user gives way. False when somebody else replaced the secret.
async fn rise(
    sessions: &Sessions,
    tx: &mut Tx,
    begin: &BeginSignIn,
    holder: &Holder,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let client = holder.client;
    // A client that had no session has nothing its old secret could still read.
    let keep_previous = session_rows::has_live(tx, client, now).await?;
    if begin.account.demanded.is_empty() {
        session_changes::unlist_ended(tx, client, now).await?;
        if let Some(same_user) = session_rows::live_on(tx, client, begin.account.user).await? {
            super::end::end_in(sessions, tx, same_user, Status::Replaced, "signed_in_again", now).await?;
        }
    }
    if let Some(secret) = client_token(sessions, begin) {
        let secret = stored_digest(&secret);
        if !client_rows::rotate(tx, client, &holder.digest, secret, keep_previous, now).await? {
            return Ok(false);
        }
    }
    sign_in_rows::replace_open(tx, client).await?;
    Ok(true)
}

async fn start_session(
    sessions: &Sessions,
    tx: &mut Tx,
    begin: &BeginSignIn,
    client: BrowserClientId,
    now: Timestamp,
) -> sqlx::Result<SignInOutcome> {
    let sign_in = note_sign_in(sessions, tx, begin, client, "complete", now).await?;
    let session_token = (begin.entry == Entry::Api).then(|| Kind::Session.derive(&sessions.secrets, begin.op));
    let mut session = new_session(sessions, begin, client, now);
    let new = NewSession {
        session: session.clone(),
        sign_in,
        token_digest: session_token.as_ref().map(stored_digest),
        application: begin.application.clone(),
    };
    session.number = session_changes::insert(tx, new).await?;
    client_rows::session_started(tx, client, session.id, now).await?;
    sessions.outbox.emit(tx, now, &sessions.random, &SessionStarted::new(published::session(&session), now)).await?;
    Ok(SignInOutcome::Complete(SessionBegun {
        id: session.id,
        number: session.number,
        started_at: now,
        client_token: client_token(sessions, begin),
        session_token,
    }))
}

/// The client's new secret; the accounts API's clients have none.
fn client_token(sessions: &Sessions, begin: &BeginSignIn) -> Option<SecretString> {
    (begin.entry != Entry::Api).then(|| Kind::BrowserClient.derive(&sessions.secrets, begin.op))
}

/// The credential of a login by the accounts API that waits for its second factor.
fn challenge_token(sessions: &Sessions, begin: &BeginSignIn) -> Option<SecretString> {
    (begin.entry == Entry::Api).then(|| Kind::Challenge.derive(&sessions.secrets, begin.op))
}

fn waiting(sessions: &Sessions, begin: &BeginSignIn, sign_in: SignInId) -> SignInOutcome {
    SignInOutcome::NeedsSecondFactor {
        sign_in,
        demanded: begin.account.demanded.clone(),
        client_token: client_token(sessions, begin),
        challenge_token: challenge_token(sessions, begin),
    }
}

async fn note_sign_in(
    sessions: &Sessions,
    tx: &mut Tx,
    begin: &BeginSignIn,
    client: BrowserClientId,
    state: &'static str,
    now: Timestamp,
) -> sqlx::Result<SignInId> {
    let id = SignInId::new(now, &sessions.random);
    let challenge = challenge_token(sessions, begin).filter(|_| state == "needs_second");
    let new = NewSignIn {
        id,
        op: begin.op,
        client,
        entry: begin.entry,
        state,
        user: begin.account.user,
        epoch: born_under(begin),
        now,
        expires_at: now + SIGN_IN_LIFE,
        challenge_digest: challenge.as_ref().map(stored_digest),
    };
    sign_in_rows::insert(tx, new).await?;
    Ok(id)
}

fn new_session(sessions: &Sessions, begin: &BeginSignIn, client: BrowserClientId, now: Timestamp) -> Session {
    let policy = Policy::of(begin.entry);
    let first = begin.proofs.iter().map(|proof| proof.at).min().unwrap_or(now);
    Session {
        number: 0,
        id: SessionId::new(now, &sessions.random),
        client,
        user: begin.account.user,
        user_number: begin.account.number,
        entry: begin.entry,
        stored: Status::Active,
        epoch: born_under(begin),
        started_at: now,
        last_active_at: now,
        expire_at: policy.expire_at(now, now),
        abandon_at: policy.abandon_at(now),
        first_factor_at: first,
        second_factor_at: None,
        user_agent: begin.user_agent.clone(),
        address: begin.address.to_string(),
        ended_at: None,
        ended_reason: None,
        version: 1,
        updated_at: now,
    }
}

/// The outcome of the first call with this `op`: what it made is found again, and its secrets are derived again.
async fn repeated(
    sessions: &Sessions,
    mut tx: Tx,
    begin: &BeginSignIn,
    sign_in: SignInId,
) -> Result<SignInOutcome, Failure> {
    let Some(session) = session_rows::by_sign_in(&mut tx, sign_in).await? else {
        return Ok(waiting(sessions, begin, sign_in));
    };
    Ok(SignInOutcome::Complete(SessionBegun {
        id: session.id,
        number: session.number,
        started_at: session.started_at,
        client_token: client_token(sessions, begin),
        session_token: (begin.entry == Entry::Api).then(|| Kind::Session.derive(&sessions.secrets, begin.op)),
    }))
}

/// What an account tells of its user.
fn person(account: &Account) -> Person {
    Person {
        user: account.user,
        number: account.number,
        email: account.email.clone(),
        email_verified: account.email_verified,
        version: account.version,
        created_at: account.created_at,
        updated_at: account.updated_at,
    }
}
