//! Counters with a window: one statement counts, or refuses.

use tessera_common::clock::Timestamp;
use tessera_storage::{Session, affected, run};

use crate::domain::counting::{Limited, Quota};

/// What is counted: whose, for whom, and of which kind.
#[derive(Clone, Copy, Debug)]
pub struct Counter<'a> {
    pub tenant: &'a str,
    pub subject: &'a str,
    pub kind: &'a str,
}

/// Counts one more, unless the quota is used up.
pub async fn count(
    session: &mut impl Session,
    counter: Counter<'_>,
    quota: Quota,
    now: Timestamp,
) -> sqlx::Result<Result<(), Limited>> {
    let counted: Option<i64> = run!(session, |e| sqlx::query_scalar(
        "insert into counters as c (tenant, subject, kind, used, ends_at) values ($1, $2, $3, 1, $4) \
         on conflict (tenant, subject, kind) do update set \
             used = case when c.ends_at <= $5 then 1 else c.used + 1 end, \
             ends_at = case when c.ends_at <= $5 then excluded.ends_at else c.ends_at end \
         where c.ends_at <= $5 or c.used < $6 \
         returning used"
    )
    .bind(counter.tenant.to_owned())
    .bind(counter.subject.to_owned())
    .bind(counter.kind.to_owned())
    .bind(now + quota.window)
    .bind(now)
    .bind(quota.most)
    .fetch_optional(e))?;
    match counted {
        Some(_) => Ok(Ok(())),
        None => {
            Ok(Err(Limited { wait: ends_at(session, counter).await?.map_or(quota.window, |end| end - now), quota }))
        }
    }
}

async fn ends_at(session: &mut impl Session, counter: Counter<'_>) -> sqlx::Result<Option<Timestamp>> {
    run!(session, |e| sqlx::query_scalar(
        "select ends_at from counters where tenant = $1 and subject = $2 and kind = $3"
    )
    .bind(counter.tenant.to_owned())
    .bind(counter.subject.to_owned())
    .bind(counter.kind.to_owned())
    .fetch_optional(e))
}

/// Takes back one that was counted at a time, unless the window that it was counted in is over.
pub async fn take_back(
    session: &mut impl Session,
    counter: Counter<'_>,
    quota: Quota,
    counted_at: Timestamp,
) -> sqlx::Result<()> {
    affected!(
        session,
        // A window that began later ends later than any in which it can have been counted.
        sqlx::query(
            "update counters set used = used - 1 \
             where tenant = $1 and subject = $2 and kind = $3 and used > 0 and ends_at <= $4"
        )
        .bind(counter.tenant.to_owned())
        .bind(counter.subject.to_owned())
        .bind(counter.kind.to_owned())
        .bind(counted_at + quota.window)
    )?;
    Ok(())
}

/// Deletes some whose window has ended; answers how many.
pub async fn sweep(session: &mut impl Session, now: Timestamp, limit: i64) -> sqlx::Result<u64> {
    affected!(
        session,
        sqlx::query(
            "delete from counters where (tenant, subject, kind) in \
             (select tenant, subject, kind from counters where ends_at <= $1 order by ends_at limit $2) and ends_at <= $1"
        )
        .bind(now)
        .bind(limit)
    )
}
