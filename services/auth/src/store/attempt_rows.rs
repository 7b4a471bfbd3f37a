//! Wrong passwords. An attempt is counted, and committed, before the password is compared; a right one is taken back.

use chrono::TimeDelta;
use tessera_common::clock::Timestamp;
use tessera_storage::{Session, affected, run};

/// Attempts in a window.
pub const QUOTA: i64 = 10;
/// The window.
pub const WINDOW: TimeDelta = TimeDelta::minutes(15);

/// Counts an attempt. `Err` is when the window ends whose attempts are used up.
pub async fn count(
    session: &mut impl Session,
    subject: &str,
    budget: &str,
    now: Timestamp,
) -> sqlx::Result<Result<(), Timestamp>> {
    let counted: Option<i64> = run!(session, |e| sqlx::query_scalar(
        "insert into password_attempts as a (subject, budget, window_start, wrong) values ($1, $2, $3, 1) \
         on conflict (subject, budget) do update set \
           wrong = case when a.window_start <= $4 then 1 else a.wrong + 1 end, \
           window_start = case when a.window_start <= $4 then excluded.window_start else a.window_start end \
         where a.window_start <= $4 or a.wrong < $5 \
         returning wrong"
    )
    .bind(subject.to_owned())
    .bind(budget.to_owned())
    .bind(now)
    .bind(now - WINDOW)
    .bind(QUOTA)
    .fetch_optional(e))?;
    if counted.is_some() {
        return Ok(Ok(()));
    }
    let start: Option<Timestamp> = run!(session, |e| sqlx::query_scalar(
        "select window_start from password_attempts where subject = $1 and budget = $2"
    )
    .bind(subject.to_owned())
    .bind(budget.to_owned())
    .fetch_optional(e))?;
    Ok(Err(start.unwrap_or(now) + WINDOW))
}

/// Takes an attempt back: it was right.
pub async fn take_back(session: &mut impl Session, subject: &str, budget: &str) -> sqlx::Result<()> {
    affected!(
        session,
        sqlx::query("update password_attempts set wrong = wrong - 1 where subject = $1 and budget = $2 and wrong > 0")
            .bind(subject.to_owned())
            .bind(budget.to_owned())
    )?;
    Ok(())
}
