//! The profile copy.

use tessera_common::clock::Timestamp;
use tessera_contracts::ids::UserId;
use tessera_storage::{Session, affected, run};
use uuid::Uuid;

use crate::domain::person::Person;

#[derive(sqlx::FromRow)]
struct Row {
    user_id: Uuid,
    number: i64,
    email: String,
    email_verified: bool,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// Keeps `person`, unless what is known is as new.
pub async fn keep(session: &mut impl Session, person: &Person) -> sqlx::Result<()> {
    affected!(
        session,
        sqlx::query(
            "insert into persons as p (user_id, number, email, email_verified, version, created_at, updated_at) \
             values ($1, $2, $3, $4, $5, $6, $7) \
             on conflict (user_id) do update set \
               email = excluded.email, email_verified = excluded.email_verified, \
               version = excluded.version, updated_at = excluded.updated_at \
             where p.version < excluded.version"
        )
        .bind(person.user.uuid())
        .bind(person.number)
        .bind(person.email.clone())
        .bind(person.email_verified)
        .bind(person.version)
        .bind(person.created_at)
        .bind(person.updated_at)
    )?;
    Ok(())
}

/// What is known of a user.
pub async fn of(session: &mut impl Session, user: UserId) -> sqlx::Result<Option<Person>> {
    let row: Option<Row> = run!(session, |e| {
        sqlx::query_as(
        "select user_id, number, email, email_verified, version, created_at, updated_at from persons where user_id = $1"
    )
    .bind(user.uuid())
    .fetch_optional(e)
    })?;
    Ok(row.map(|row| Person {
        user: row.user_id.into(),
        number: row.number,
        email: row.email,
        email_verified: row.email_verified,
        version: row.version,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }))
}
