//! Futures that are dropped where they stand, as when a client hangs up, leave no connection in a transaction.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use futures::future::join_all;
use tessera_common::random::Random;
use tessera_storage::{Db, affected};

use crate::support::{number, onlooker, other_process, run_sql};

const HANG_UPS: usize = 400;

/// Polls a future until it has waited `waits` times, then drops it with whatever it is waiting for under way.
pub async fn hang_up_after(waits: u32, future: impl Future) {
    let (mut future, mut left) = (pin!(future), waits);
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Pending if left > 0 => {
            left -= 1;
            Poll::Pending
        }
        _ => Poll::Ready(()),
    })
    .await;
}

async fn begin_only(db: &Db) -> sqlx::Result<()> {
    db.begin().await.map(drop)
}

async fn begin_and_write(db: &Db) -> sqlx::Result<()> {
    let mut tx = db.begin().await?;
    affected!(&mut tx, sqlx::query("insert into lines (n) values (1)"))?;
    affected!(&mut tx, sqlx::query("insert into lines (n) values (2)"))?;
    tx.commit().await
}

/// Hangs up at random points, alone and several at once.
async fn hang_up_often(db: &Db) {
    let random = Random::seeded(33);
    for _ in 0..HANG_UPS / 4 {
        join_all((0..4).map(|_| async {
            let waits = random.below(8);
            if random.below(2) == 0 {
                hang_up_after(waits, begin_only(db)).await;
            } else {
                hang_up_after(waits, begin_and_write(db)).await;
            }
        }))
        .await;
    }
}

/// A thousand statements outside transactions all succeed, and stay.
async fn write_on(db: &Db) {
    for _ in 0..1_000 {
        let changed = affected!(&mut db.write().await.unwrap(), sqlx::query("insert into after (n) values (1)"));
        assert_eq!(changed.unwrap(), 1);
    }
}

const TABLES: &str = "create table lines (n bigint not null); create table after (n bigint not null)";

#[tokio::test]
async fn no_session_of_postgres_is_left_in_a_transaction() {
    crate::support::on_postgres(async |db| {
        run_sql(db, TABLES).await;
        let small = other_process(db, 6, &[]).await;
        hang_up_often(&small).await;

        let mut onlooker = onlooker(db).await;
        // Whatever is being rolled back is so within a moment; what was left open would stay so.
        tokio::time::timeout(Duration::from_secs(2), async {
            let open = "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() \
                        and (state like 'idle in transaction%' or state = 'active')";
            while sqlx::query_scalar::<_, i64>(open).fetch_one(&mut onlooker).await.unwrap() > 0 {
                tokio::task::yield_now().await;
            }
        })
        .await
        .expect("no session is left in a transaction");
        write_on(&small).await;
        let seen: i64 = sqlx::query_scalar("select count(*) from after").fetch_one(&mut onlooker).await.unwrap();
        assert_eq!(seen, 1_000, "what was written outside a transaction is there for everybody");
        let halves: i64 = sqlx::query_scalar("select count(*) filter (where n = 1) - count(*) filter (where n = 2) from lines")
            .fetch_one(&mut onlooker)
            .await
            .unwrap();
        assert_eq!(halves, 0, "a transaction is there as a whole or not at all");
    })
    .await;
}

#[tokio::test]
async fn the_writer_of_sqlite_is_left_free() {
    crate::support::on_sqlite(async |db| {
        run_sql(db, TABLES).await;
        hang_up_often(db).await;
        write_on(db).await;
        // The readers are other connections: they see what is committed.
        assert_eq!(number(db, "select count(*) from after").await, 1_000);
        let halves = "select coalesce(sum(case n when 1 then 1 else -1 end), 0) from lines";
        assert_eq!(number(db, halves).await, 0, "a transaction is there as a whole or not at all");
    })
    .await;
}
