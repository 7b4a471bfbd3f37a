//! Users with their primary address and password.

use tessera_common::clock::Timestamp;
use tessera_contracts::email_address::EmailAddress;
use tessera_contracts::ids::UserId;
use tessera_storage::{Session, affected, run};
use uuid::Uuid;

use crate::domain::user::{Status, User};

#[derive(sqlx::FromRow)]
struct Row {
    number: i64,
    id: Uuid,
    status: String,
    security_epoch: i64,
    email: String,
    email_verified_at: Option<Timestamp>,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl From<Row> for User {
    fn from(row: Row) -> Self {
        Self {
            number: row.number,
            id: row.id.into(),
            status: Status::named(&row.status),
            security_epoch: row.security_epoch,
            email: row.email,
            email_verified_at: row.email_verified_at,
            version: row.version,
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }
}

macro_rules! select_user {
    ($condition:literal) => {
        concat!(
            "select u.number, u.id, u.status, u.security_epoch, e.given as email, e.verified_at as email_verified_at, \
             u.version, u.created_at, u.updated_at \
             from users u join email_addresses e on e.user_id = u.id and e.is_primary where ",
            $condition
        )
    };
}

/// A user about to exist.
#[derive(Debug)]
pub struct NewUser<'a> {
    pub id: UserId,
    pub email_id: Uuid,
    pub email: &'a EmailAddress,
    pub phc: String,
    pub now: Timestamp,
}

/// Holds a user until the transaction ends: nothing else of theirs is decided meanwhile.
pub async fn hold(session: &mut impl Session, id: UserId) -> sqlx::Result<Option<User>> {
    affected!(session, sqlx::query("update users set version = version where id = $1").bind(id.uuid()))?;
    by_id(session, id).await
}

/// Whether somebody has the address.
pub async fn is_taken(session: &mut impl Session, canonical: &str) -> sqlx::Result<bool> {
    let found: Option<i64> =
        run!(session, |e| sqlx::query_scalar("select cast(1 as bigint) from email_addresses where canonical = $1")
            .bind(canonical.to_owned())
            .fetch_optional(e))?;
    Ok(found.is_some())
}

/// Makes a user with an unverified address and a password. A taken address is a unique violation.
pub async fn insert(session: &mut impl Session, new: NewUser<'_>) -> sqlx::Result<User> {
    let number: i64 = run!(session, |e| sqlx::query_scalar(
        "insert into users (id, status, security_epoch, version, created_at, updated_at) \
         values ($1, 'active', 1, 1, $2, $2) returning number"
    )
    .bind(new.id.uuid())
    .bind(new.now)
    .fetch_one(e))?;
    affected!(
        session,
        sqlx::query(
            "insert into email_addresses (id, user_id, given, canonical, is_primary) values ($1, $2, $3, $4, $5)"
        )
        .bind(new.email_id)
        .bind(new.id.uuid())
        .bind(new.email.as_given().to_owned())
        .bind(new.email.canonical().to_owned())
        .bind(true)
    )?;
    affected!(
        session,
        sqlx::query("insert into password_credentials (user_id, phc, changed_at) values ($1, $2, $3)")
            .bind(new.id.uuid())
            .bind(new.phc.clone())
            .bind(new.now)
    )?;
    Ok(User {
        number,
        id: new.id,
        status: Status::Active,
        security_epoch: 1,
        email: new.email.as_given().to_owned(),
        email_verified_at: None,
        version: 1,
        created_at: new.now,
        updated_at: new.now,
    })
}

/// The user of that id.
pub async fn by_id(session: &mut impl Session, id: UserId) -> sqlx::Result<Option<User>> {
    let row: Option<Row> =
        run!(session, |e| sqlx::query_as(select_user!("u.id = $1")).bind(id.uuid()).fetch_optional(e))?;
    Ok(row.map(User::from))
}

/// The number that the next user would get, as far as it can be told without making one.
pub async fn next_number(session: &mut impl Session) -> sqlx::Result<i64> {
    run!(session, |e| sqlx::query_scalar("select coalesce(max(number), 0) + 1 from users").fetch_one(e))
}

/// The user of an address, with the password's hash if there is a password.
pub async fn with_password(
    session: &mut impl Session,
    canonical: &str,
) -> sqlx::Result<Option<(User, Option<String>)>> {
    let id: Option<Uuid> = run!(session, |e| sqlx::query_scalar(
        "select user_id from email_addresses where canonical = $1 and is_primary"
    )
    .bind(canonical.to_owned())
    .fetch_optional(e))?;
    let Some(id) = id else { return Ok(None) };
    let user = by_id(session, id.into()).await?;
    let phc = password_of(session, id.into()).await?;
    Ok(user.map(|user| (user, phc)))
}

/// The hash of a user's password.
pub async fn password_of(session: &mut impl Session, id: UserId) -> sqlx::Result<Option<String>> {
    run!(session, |e| sqlx::query_scalar("select phc from password_credentials where user_id = $1")
        .bind(id.uuid())
        .fetch_optional(e))
}

/// Replaces the password, if it is still the one that was compared.
pub async fn replace_password(
    session: &mut impl Session,
    id: UserId,
    old: &str,
    new: &str,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let replaced = affected!(
        session,
        sqlx::query("update password_credentials set phc = $3, changed_at = $4 where user_id = $1 and phc = $2")
            .bind(id.uuid())
            .bind(old.to_owned())
            .bind(new.to_owned())
            .bind(now)
    )?;
    Ok(replaced == 1)
}

/// Raises the user's version, and the security epoch too if `epoch`; answers the user as it is then.
pub async fn changed(
    session: &mut impl Session,
    id: UserId,
    epoch: bool,
    now: Timestamp,
) -> sqlx::Result<Option<User>> {
    affected!(
        session,
        sqlx::query(
            "update users set version = version + 1, updated_at = $3, \
             security_epoch = security_epoch + case when $2 then 1 else 0 end where id = $1"
        )
        .bind(id.uuid())
        .bind(epoch)
        .bind(now)
    )?;
    by_id(session, id).await
}

/// Marks an address as proved; false if it was already, or is not the user's.
pub async fn verify_address(
    session: &mut impl Session,
    id: UserId,
    canonical: &str,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let marked = affected!(
        session,
        sqlx::query(
            "update email_addresses set verified_at = $3 where user_id = $1 and canonical = $2 and verified_at is null"
        )
        .bind(id.uuid())
        .bind(canonical.to_owned())
        .bind(now)
    )?;
    Ok(marked == 1)
}

/// Whether the address is the user's and proved.
pub async fn is_verified(session: &mut impl Session, id: UserId, canonical: &str) -> sqlx::Result<bool> {
    let found: Option<i64> = run!(session, |e| {
        sqlx::query_scalar(
        "select cast(1 as bigint) from email_addresses where user_id = $1 and canonical = $2 and verified_at is not null"
    )
    .bind(id.uuid())
    .bind(canonical.to_owned())
    .fetch_optional(e)
    })?;
    Ok(found.is_some())
}

/// The second factors that an account demands, by kind.
pub async fn demanded(session: &mut impl Session, id: UserId) -> sqlx::Result<Vec<String>> {
    run!(session, |e| sqlx::query_scalar("select distinct kind from second_factors where user_id = $1 order by kind")
        .bind(id.uuid())
        .fetch_all(e))
}
