//! Verifications. Whether one is alive is decided in the statement that uses it.

use tessera_common::clock::Timestamp;
use tessera_contracts::sibling::Sibling;
use tessera_storage::{Session, affected, run};
use uuid::Uuid;

use crate::domain::method::Method;
use crate::domain::purpose_group::CountedFor;
use crate::domain::verification::{Form, Key, Verification};

/// A verification as it is stored.
#[derive(sqlx::FromRow)]
pub(super) struct Row {
    row_id: Uuid,
    tenant: String,
    #[sqlx(try_from = "String")]
    method: Method,
    id: String,
    subject: String,
    #[sqlx(try_from = "String")]
    purpose_group: CountedFor,
    consumer: String,
    recipient: String,
    generation: i64,
    code_digest: Vec<u8>,
    form: String,
    attempts: i64,
    issued_at: Timestamp,
    deadline: Timestamp,
    payload: Option<String>,
    sealed_code: Option<Vec<u8>>,
}

impl From<Row> for Verification {
    fn from(row: Row) -> Self {
        Self {
            row_id: row.row_id,
            tenant: row.tenant,
            method: row.method,
            id: row.id,
            subject: row.subject,
            purpose_group: row.purpose_group,
            consumer: row.consumer,
            recipient: row.recipient,
            generation: row.generation,
            code_digest: row.code_digest,
            // Whatever is not known to be long is capped.
            form: if row.form == Form::Long.name() { Form::Long } else { Form::Short },
            attempts: row.attempts,
            issued_at: row.issued_at,
            deadline: row.deadline,
            payload: row.payload,
            sealed_code: row.sealed_code,
        }
    }
}

macro_rules! columns {
    () => {
        "row_id, tenant, method, id, subject, purpose_group, consumer, recipient, generation, code_digest, form, attempts, issued_at, \
         deadline, payload, sealed_code"
    };
}
pub(super) use columns;

/// The one verification of a key, as `$1` to `$4`.
macro_rules! keyed {
    () => {
        "tenant = $1 and method = $2 and lookup_id = $3 and holder = $4"
    };
}

/// Takes answers at a time, which is `$5` unless it is said, as far as its deadline and the cap go.
macro_rules! answerable {
    () => {
        answerable!("$5")
    };
    ($now:literal) => {
        concat!("deadline > ", $now, " and (form = 'long' or attempts < 5)")
    };
}
pub(super) use answerable;

/// Counts one answer at a time, and notes when it is the last that is taken.
macro_rules! counted {
    ($now:literal) => {
        concat!(
            "attempts = attempts + 1, \
             answers_used_up_at = case when form <> 'long' and attempts + 1 >= 5 then ",
            $now,
            " end"
        )
    };
}
pub(super) use counted;

/// A verification about to exist.
#[derive(Debug)]
pub struct NewVerification<'a> {
    pub row_id: Uuid,
    pub key: Key<'a>,
    /// The sibling that begins it, if it is the platform's.
    pub sibling: Option<Sibling>,
    pub subject: String,
    pub purpose_group: CountedFor,
    pub consumer: String,
    pub recipient: String,
    pub code_digest: Vec<u8>,
    /// What it takes to send it again, if that may have to be: a tenant's code, or a sibling's whole message.
    pub sealed_code: Option<Vec<u8>>,
    pub form: Form,
    pub now: Timestamp,
    pub deadline: Timestamp,
    pub payload: Option<String>,
}

impl NewVerification<'_> {
    /// The same, once it is there.
    pub fn into_verification(self, opened: Opened) -> Verification {
        Verification {
            row_id: opened.row_id,
            tenant: self.key.tenant.to_owned(),
            method: self.key.method,
            id: self.key.id.to_owned(),
            subject: self.subject,
            purpose_group: self.purpose_group,
            consumer: self.consumer,
            recipient: self.recipient,
            generation: opened.generation,
            code_digest: self.code_digest,
            form: self.form,
            attempts: 0,
            issued_at: self.now,
            deadline: self.deadline,
            payload: self.payload,
            sealed_code: self.sealed_code,
        }
    }
}

/// What became of a new verification.
#[derive(Clone, Copy, Debug)]
pub struct Opened {
    /// Its row.
    pub row_id: Uuid,
    /// 1, or more when the id was used before.
    pub generation: i64,
}

macro_rules! insert {
    ($on_conflict:literal) => {
        concat!(
            "insert into verifications as v (row_id, tenant, method, lookup_id, holder, id, subject, purpose_group, consumer, \
             recipient, generation, code_digest, form, attempts, issued_at, deadline, payload, sealed_code, sibling, state) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $12, 0, $13, $14, $15, $16, $17, 'live') ",
            "on conflict ",
            $on_conflict,
            " returning row_id, generation"
        )
    };
}

/// Opens a verification unless its id was used before.
pub async fn insert(session: &mut impl Session, new: &NewVerification<'_>) -> sqlx::Result<Option<Opened>> {
    open(session, new, insert!("do nothing")).await
}

/// Opens a verification. One of the same id gives way if it is of the same recipient, or not alive; else `None`.
pub async fn replace(session: &mut impl Session, new: &NewVerification<'_>) -> sqlx::Result<Option<Opened>> {
    open(
        session,
        new,
        insert!(
            "(tenant, method, lookup_id) do update set id = excluded.id, subject = excluded.subject, consumer = excluded.consumer, \
             recipient = excluded.recipient, generation = v.generation + 1, code_digest = excluded.code_digest, \
             attempts = 0, issued_at = excluded.issued_at, deadline = excluded.deadline, payload = excluded.payload, \
             sealed_code = excluded.sealed_code, state = 'live', proved_at = null \
             where v.recipient = excluded.recipient or v.state <> 'live' or v.deadline <= excluded.issued_at or v.attempts >= 5"
        ),
    )
    .await
}

async fn open(
    session: &mut impl Session,
    new: &NewVerification<'_>,
    text: &'static str,
) -> sqlx::Result<Option<Opened>> {
    let opened: Option<(Uuid, i64)> = run!(session, |e| sqlx::query_as(text)
        .bind(new.row_id)
        .bind(new.key.tenant.to_owned())
        .bind(new.key.method.name())
        .bind(new.key.lookup_id())
        .bind(new.key.holder.to_owned())
        .bind(new.key.id.to_owned())
        .bind(new.subject.clone())
        .bind(new.purpose_group.as_str().to_owned())
        .bind(new.consumer.clone())
        .bind(new.recipient.clone())
        .bind(new.code_digest.clone())
        .bind(new.form.name())
        .bind(new.now)
        .bind(new.deadline)
        .bind(new.payload.clone())
        .bind(new.sealed_code.clone())
        .bind(new.sibling.map(Sibling::name))
        .fetch_optional(e))?;
    Ok(opened.map(|(row_id, generation)| Opened { row_id, generation }))
}

/// The verification of that key, if it is alive.
pub async fn find_live(session: &mut impl Session, key: Key<'_>, now: Timestamp) -> sqlx::Result<Option<Verification>> {
    let row: Option<Row> = run!(session, |e| sqlx::query_as(concat!(
        "select ",
        columns!(),
        " from verifications where ",
        keyed!(),
        " and state = 'live' and ",
        answerable!()
    ))
    .bind(key.tenant.to_owned())
    .bind(key.method.name())
    .bind(key.lookup_id())
    .bind(key.holder.to_owned())
    .bind(now)
    .fetch_optional(e))?;
    Ok(row.map(Verification::from))
}

/// Whether a tenant has ever opened a verification of this subject for this recipient.
pub async fn is_known(session: &mut impl Session, tenant: &str, subject: &str, recipient: &str) -> sqlx::Result<bool> {
    let found: Option<i64> = run!(session, |e| sqlx::query_scalar(
        "select cast(1 as bigint) from verifications where tenant = $1 and subject = $2 and recipient = $3 limit 1"
    )
    .bind(tenant.to_owned())
    .bind(subject.to_owned())
    .bind(recipient.to_owned())
    .fetch_optional(e))?;
    Ok(found.is_some())
}

/// Counts one answer as wrong, ahead of its comparison, and answers the verification it is for; `None` if it takes no answers.
pub async fn count_attempt(
    session: &mut impl Session,
    key: Key<'_>,
    now: Timestamp,
) -> sqlx::Result<Option<Verification>> {
    let row: Option<Row> = run!(session, |e| sqlx::query_as(concat!(
        "update verifications set ",
        counted!("$5"),
        " where ",
        keyed!(),
        " and state = 'live' and ",
        answerable!(),
        " returning ",
        columns!()
    ))
    .bind(key.tenant.to_owned())
    .bind(key.method.name())
    .bind(key.lookup_id())
    .bind(key.holder.to_owned())
    .bind(now)
    .fetch_optional(e))?;
    Ok(row.map(Verification::from))
}

/// Marks a verification proved, once, and takes back the attempt that the right code was counted as. An answer that was counted while
/// it took some is judged, also if others have exhausted it meanwhile.
pub async fn prove(session: &mut impl Session, verification: &Verification, now: Timestamp) -> sqlx::Result<bool> {
    let proved = affected!(
        session,
        sqlx::query(
            "update verifications set state = 'proved', proved_at = $3, sealed_code = null, attempts = attempts - 1 \
             where row_id = $1 and generation = $2 and state in ('live', 'exhausted') and deadline > $3"
        )
        .bind(verification.row_id)
        .bind(verification.generation)
        .bind(now)
    )?;
    Ok(proved == 1)
}

/// Whether it was proved before; if so, takes back the attempt that the right code was counted as.
pub async fn proved_before(
    session: &mut impl Session,
    verification: &Verification,
    now: Timestamp,
) -> sqlx::Result<bool> {
    let proved = affected!(
        session,
        sqlx::query(
            "update verifications set attempts = attempts - 1 \
             where row_id = $1 and generation = $2 and state = 'proved' and deadline > $3"
        )
        .bind(verification.row_id)
        .bind(verification.generation)
        .bind(now)
    )?;
    Ok(proved == 1)
}

/// Takes back the attempt that a right code was counted as, and answers the state that the verification is in.
pub async fn not_counted(session: &mut impl Session, verification: &Verification) -> sqlx::Result<Option<String>> {
    run!(session, |e| sqlx::query_scalar(
        "update verifications set attempts = attempts - 1 \
         where row_id = $1 and generation = $2 and (state = 'live' or state = 'proved') returning state"
    )
    .bind(verification.row_id)
    .bind(verification.generation)
    .fetch_optional(e))
}

/// Ends a live verification; answers its row.
pub async fn delete(session: &mut impl Session, key: Key<'_>, now: Timestamp) -> sqlx::Result<Option<Uuid>> {
    run!(session, |e| sqlx::query_scalar(concat!(
        "update verifications set state = 'deleted', sealed_code = null where ",
        keyed!(),
        " and state = 'live' and ",
        answerable!(),
        " returning row_id"
    ))
    .bind(key.tenant.to_owned())
    .bind(key.method.name())
    .bind(key.lookup_id())
    .bind(key.holder.to_owned())
    .bind(now)
    .fetch_optional(e))
}

/// Deletes some that ended before `mark`, with their deliveries; answers how many.
pub async fn sweep(session: &mut impl Session, mark: Timestamp, limit: i64) -> sqlx::Result<u64> {
    affected!(
        session,
        sqlx::query(
            "delete from verifications where row_id in \
             (select row_id from verifications where deadline <= $1 order by deadline limit $2) and deadline <= $1"
        )
        .bind(mark)
        .bind(limit)
    )
}
