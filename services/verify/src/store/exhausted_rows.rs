//! Verifications that have used up their answers.

use tessera_common::clock::Timestamp;
use tessera_storage::{Session, affected, run};

use super::verification_rows::{Row, columns};
use crate::domain::verification::Verification;

/// Ends a live verification that has used up its answers; `false` if somebody else has ended it.
pub async fn exhaust(session: &mut impl Session, verification: &Verification) -> sqlx::Result<bool> {
    let exhausted = affected!(
        session,
        sqlx::query(
            "update verifications set state = 'exhausted', sealed_code = null \
             where row_id = $1 and generation = $2 and state = 'live' and attempts >= 5"
        )
        .bind(verification.row_id)
        .bind(verification.generation)
    )?;
    Ok(exhausted == 1)
}

/// Some that have used them up before `mark`, and that nobody has ended.
pub async fn left(session: &mut impl Session, mark: Timestamp, limit: i64) -> sqlx::Result<Vec<Verification>> {
    let rows: Vec<Row> = run!(session, |e| {
        sqlx::query_as(concat!(
            "select ",
            columns!(),
            " from verifications where answers_used_up_at <= $1 and state = 'live' and form <> 'long' and attempts >= 5 \
             order by answers_used_up_at limit $2"
        ))
        .bind(mark)
        .bind(limit)
        .fetch_all(e)
    })?;
    Ok(rows.into_iter().map(Verification::from).collect())
}
