//! What is committed stays, what is not is gone, and nothing is counted twice or lost.

use futures::future::join_all;
use tessera_storage::database::{is_unavailable, is_unique_violation};
use tessera_storage::{Db, Session, affected};

use crate::support::{number, run_sql};

async fn upsert(session: &mut impl Session) -> sqlx::Result<u64> {
    affected!(
        session,
        sqlx::query(
            "insert into counters as c (id, n) values (1, 1) on conflict (id) do update set n = c.n + excluded.n"
        )
    )
}

/// Tries again whoever waited too long for a connection or a lock, as a busy machine makes some do: nothing of theirs has happened.
async fn until_done(change: impl AsyncFn() -> sqlx::Result<u64>) -> u64 {
    for _ in 0..5 {
        match change().await {
            Ok(changed) => return changed,
            Err(error) => assert!(is_unavailable(&error), "{error:?}"),
        }
    }
    panic!("turned away five times");
}

const COUNTERS: &str = "create table counters (id bigint not null primary key, n bigint not null)";

on_every_database! {
    async fn only_what_is_committed_stays(db: &Db) {
        run_sql(db, COUNTERS).await;
        for (commit, n) in [(false, 0), (true, 1), (false, 1), (true, 2)] {
            let mut tx = db.begin().await.unwrap();
            assert_eq!(upsert(&mut tx).await.unwrap(), 1);
            if commit { tx.commit().await.unwrap() } else { drop(tx) }
            assert_eq!(number(db, "select coalesce(max(n), 0) from counters").await, n);
        }
    }

    async fn a_failed_statement_takes_the_transaction_with_it(db: &Db) {
        run_sql(db, COUNTERS).await;
        let mut tx = db.begin().await.unwrap();
        upsert(&mut tx).await.unwrap();
        affected!(&mut tx, sqlx::query("insert into counters (id, n) values (1, 7)")).unwrap_err();
        drop(tx);
        assert_eq!(number(db, "select count(*) from counters").await, 0);
    }

    async fn four_hundred_upserts_at_once_are_counted_exactly(db: &Db) {
        run_sql(db, COUNTERS).await;
        let alone = join_all((0..200).map(|_| until_done(async || upsert(&mut db.write().await?).await)));
        let in_transactions = join_all((0..200).map(|_| {
            until_done(async || {
                let mut tx = db.begin().await?;
                let changed = upsert(&mut tx).await?;
                tx.commit().await?;
                Ok(changed)
            })
        }));
        let (alone, in_transactions) = futures::join!(alone, in_transactions);
        assert_eq!([alone, in_transactions], [[1; 200]; 2]);
        assert_eq!(number(db, "select n from counters where id = 1").await, 400);
    }

    async fn a_taken_value_is_told_from_other_violations(db: &Db) {
        run_sql(db, "create table names (id bigint not null primary key, name text unique, n bigint not null check (n > 0))").await;
        let insert = async |id: i64, name: &'static str, n: Option<i64>| {
            affected!(
                &mut db.write().await.unwrap(),
                sqlx::query("insert into names (id, name, n) values ($1, $2, $3)").bind(id).bind(name).bind(n)
            )
        };
        insert(1, "a", Some(1)).await.unwrap();
        assert!(is_unique_violation(&insert(1, "b", Some(1)).await.unwrap_err()), "the primary key");
        assert!(is_unique_violation(&insert(2, "a", Some(1)).await.unwrap_err()), "a unique column");
        assert!(!is_unique_violation(&insert(3, "c", None).await.unwrap_err()), "a missing value");
        assert!(!is_unique_violation(&insert(4, "d", Some(0)).await.unwrap_err()), "a check");
    }
}
