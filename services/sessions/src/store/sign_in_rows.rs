//! Pending logins.

use tessera_common::clock::Timestamp;
use tessera_contracts::ids::{BrowserClientId, SignInId, UserId};
use tessera_contracts::sessions::Entry;
use tessera_storage::{Session, affected, run};
use uuid::Uuid;

use crate::domain::session::entry_name;

/// A login about to be noted.
#[derive(Clone, Debug)]
pub struct NewSignIn {
    pub id: SignInId,
    pub op: Uuid,
    pub client: BrowserClientId,
    pub entry: Entry,
    pub state: &'static str,
    pub user: UserId,
    pub epoch: i64,
    pub now: Timestamp,
    pub expires_at: Timestamp,
    pub challenge_digest: Option<Vec<u8>>,
}

/// Notes a login.
pub async fn insert(session: &mut impl Session, new: NewSignIn) -> sqlx::Result<()> {
    affected!(
        session,
        sqlx::query(
            "insert into sign_ins (id, op, client_id, entry, state, user_id, epoch, created_at, expires_at, challenge_digest) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
        )
        .bind(new.id.uuid())
        .bind(new.op)
        .bind(new.client.uuid())
        .bind(entry_name(new.entry))
        .bind(new.state)
        .bind(new.user.uuid())
        .bind(new.epoch)
        .bind(new.now)
        .bind(new.expires_at)
        .bind(new.challenge_digest.clone())
    )?;
    Ok(())
}

/// The login that `op` began before, with its client and state.
pub async fn by_op(session: &mut impl Session, op: Uuid) -> sqlx::Result<Option<(Uuid, String)>> {
    run!(session, |e| sqlx::query_as("select id, state from sign_ins where op = $1").bind(op).fetch_optional(e))
}

/// Ends the client's open login: another takes its place.
pub async fn replace_open(session: &mut impl Session, client: BrowserClientId) -> sqlx::Result<()> {
    affected!(
        session,
        sqlx::query(
            "update sign_ins set state = 'replaced' \
             where client_id = $1 and state in ('needs_identifier', 'needs_first', 'needs_second')"
        )
        .bind(client.uuid())
    )?;
    Ok(())
}

/// Ends every open login of a user that began below `floor`.
pub async fn abandon_below(session: &mut impl Session, user: UserId, floor: i64) -> sqlx::Result<()> {
    affected!(
        session,
        sqlx::query(
            "update sign_ins set state = 'abandoned' \
             where user_id = $1 and epoch < $2 and state in ('needs_identifier', 'needs_first', 'needs_second')"
        )
        .bind(user.uuid())
        .bind(floor)
    )?;
    Ok(())
}
