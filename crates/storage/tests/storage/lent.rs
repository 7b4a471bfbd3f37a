//! Connections on loan for single statements.

use std::pin::pin;

use futures::FutureExt as _;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteConnectOptions;
use tessera_storage::{Db, Lender, run};

use crate::cancellation::hang_up_after;
use crate::support::{on_postgres, onlooker, other_process};

fn one_in_memory() -> Lender<SqliteConnection> {
    Lender::new(SqliteConnectOptions::new().in_memory(true), 1)
}

#[tokio::test]
async fn whoever_finds_none_free_waits_for_the_next() {
    let lender = one_in_memory();
    let lent = lender.lend().await.unwrap();
    let mut next = Box::pin(lender.lend());
    assert!(next.as_mut().now_or_never().is_none(), "there is one, and it is on loan");
    assert_eq!(lender.open_and_used(), (1, 1));
    drop(lent);
    drop(next.await.unwrap());
    assert_eq!(lender.open_and_used(), (1, 0));
}

#[tokio::test]
async fn a_closed_one_waits_for_what_is_on_loan_and_lends_no_more() {
    let lender = one_in_memory();
    let lent = lender.lend().await.unwrap();
    let mut closed = Box::pin(lender.close());
    assert!(closed.as_mut().now_or_never().is_none(), "one is on loan");
    drop(lent);
    closed.await;
    assert!(matches!(lender.lend().await, Err(sqlx::Error::PoolClosed)));
    assert_eq!(lender.open_and_used(), (0, 0));
}

/// Which session of the server answers to a statement.
async fn session_of(db: &Db) -> sqlx::Result<i32> {
    run!(&mut db.read().await?, |e| sqlx::query_scalar("select pg_backend_pid()").fetch_one(e))
}

#[tokio::test]
async fn a_session_that_ended_fails_once() {
    on_postgres(async |db| {
        let one = other_process(db, 2, &[]).await;
        let mut onlooker = onlooker(db).await;
        let before = session_of(&one).await.unwrap();
        assert_eq!(session_of(&one).await.unwrap(), before, "it is lent again");

        for attempt in 1.. {
            let before = session_of(&one).await.unwrap();
            let text = "select pg_terminate_backend($1, 10000)";
            let ended: bool = sqlx::query_scalar(text).bind(before).fetch_one(&mut onlooker).await.unwrap();
            assert!(ended);
            // It was used a moment ago, so it is not asked first; on a busy machine that moment may be over.
            let failed = session_of(&one).await.is_err();
            assert_ne!(session_of(&one).await.unwrap(), before);
            if failed {
                return;
            }
            assert!(attempt < 3, "it was asked first each time");
        }
    })
    .await;
}

#[tokio::test]
async fn a_statement_that_was_dropped_is_not_waited_for() {
    on_postgres(async |db| {
        let one = other_process(db, 2, &[]).await;
        let before = session_of(&one).await.unwrap();
        let asleep = async {
            run!(&mut one.read().await.unwrap(), |e| sqlx::query("select pg_sleep(60)")
                .execute(e)
                .map(|done| done.map(drop)))
        };
        let mut onlooker = onlooker(db).await;
        let begun = async {
            let text = "select exists (select 1 from pg_stat_activity where pid = $1 and wait_event = 'PgSleep')";
            while !sqlx::query_scalar::<_, bool>(text).bind(before).fetch_one(&mut onlooker).await.unwrap() {}
        };
        futures::select_biased! {
            slept = pin!(asleep.fuse()) => panic!("it does not end: {slept:?}"),
            () = pin!(begun.fuse()) => {}
        }
        assert_ne!(session_of(&one).await.unwrap(), before, "another one is lent in its place");
    })
    .await;
}

#[tokio::test]
async fn the_answer_of_a_statement_that_was_dropped_is_nobody_elses() {
    on_postgres(async |db| {
        let one = other_process(db, 2, &[]).await;
        let number = async |text: &'static str| -> sqlx::Result<i64> {
            run!(&mut one.read().await?, |e| sqlx::query_scalar(text).fetch_one(e))
        };
        for waits in 0..4 {
            hang_up_after(waits, number("select cast(1 as bigint)")).await;
            assert_eq!(number("select cast(2 as bigint)").await.unwrap(), 2);
        }
    })
    .await;
}

#[tokio::test]
async fn of_the_fewest_connections_one_may_be_somebodys_own() {
    on_postgres(async |db| {
        let one = other_process(db, 1, &[]).await;
        let _own = one.own().await.unwrap().expect("a connection");
        one.begin().await.unwrap().commit().await.unwrap();
    })
    .await;
}
