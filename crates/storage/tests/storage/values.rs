//! One SQL text carries every kind of value to either engine and back.

use proptest::prelude::*;
use sqlx::{Connection as _, SqliteConnection};
use tessera_common::clock::Timestamp;
use tessera_storage::{Db, affected, run};
use uuid::Uuid;

use crate::support::run_sql;

type Row = (Uuid, Timestamp, String, bool, Option<String>, Vec<u8>, i64);

fn table(db: &Db) -> &'static str {
    match db {
        Db::Postgres { .. } => {
            "create table samples (id uuid not null primary key, at timestamptz not null, document text not null, \
             flag boolean not null, absent text, bytes bytea not null, number bigint not null)"
        }
        Db::Sqlite { .. } => {
            "create table samples (id blob not null primary key, at text not null, document text not null, \
             flag integer not null, absent text, bytes blob not null, number integer not null) strict"
        }
    }
}

fn samples() -> Vec<Row> {
    let at = |micros: i64| Timestamp::from_timestamp_micros(micros).unwrap();
    let document = r#"{"b": [1, null, "ü\u0001"], "a": {}}"#.to_owned();
    vec![
        (Uuid::nil(), at(0), "{}".to_owned(), false, None, Vec::new(), 0),
        (Uuid::max(), at(1_768_471_200_123_456), document, true, Some(String::new()), vec![0, 255, 7], i64::MAX),
        (Uuid::from_u128(7), at(1_768_471_200_120_000), "\"'%$1".to_owned(), true, None, b"$1".to_vec(), i64::MIN),
    ]
}

on_every_database! {
    async fn values_come_back_as_they_were_given(db: &Db) {
        run_sql(db, table(db)).await;
        for (id, at, document, flag, absent, bytes, number) in samples() {
            let returned: Row = run!(&mut db.write().await.unwrap(), |e| sqlx::query_as(
                "insert into samples (id, at, document, flag, absent, bytes, number) values ($1, $2, $3, $4, $5, $6, $7) \
                 returning id, at, document, flag, absent, bytes, number"
            )
            .bind(id)
            .bind(at)
            .bind(document.clone())
            .bind(flag)
            .bind(absent.clone())
            .bind(bytes.clone())
            .bind(number)
            .fetch_one(e))
            .unwrap();
            let row = (id, at, document, flag, absent, bytes, number);
            assert_eq!(returned, row);
            let found: Vec<Row> = run!(&mut db.read().await.unwrap(), |e| sqlx::query_as(
                "select id, at, document, flag, absent, bytes, number from samples where id = $1 and at = $2 and flag = $3"
            )
            .bind(row.0)
            .bind(row.1)
            .bind(row.3)
            .fetch_all(e))
            .unwrap();
            assert_eq!(found, [row]);
        }
    }

    async fn a_condition_on_a_flag_reads_the_same(db: &Db) {
        run_sql(db, table(db)).await;
        let insert = "insert into samples (id, at, document, flag, bytes, number) values ($1, $2, '', $3, $4, 0)";
        for (id, at, _, flag, ..) in samples() {
            let mut conn = db.write().await.unwrap();
            affected!(&mut conn, sqlx::query(insert).bind(id).bind(at).bind(flag).bind(Vec::<u8>::new())).unwrap();
        }
        let ids: Vec<Uuid> = run!(&mut db.read().await.unwrap(), |e| sqlx::query_scalar(
            "select id from samples where flag and absent is null order by id"
        )
        .fetch_all(e))
        .unwrap();
        assert_eq!(ids, [Uuid::from_u128(7), Uuid::max()]);
    }
}

/// Any microsecond of the years that are written with four digits, whole seconds and milliseconds often.
fn times() -> impl Strategy<Value = Timestamp> {
    let micros = 0..253_402_300_800_000_000_i64;
    let near = 1_768_471_200_000_000..1_768_471_202_000_000_i64;
    let part = prop_oneof![Just(1), Just(1_000), Just(1_000_000)];
    (prop_oneof![micros, near], part)
        .prop_map(|(micros, part)| Timestamp::from_timestamp_micros(micros - micros % part).unwrap())
}

proptest! {
    /// SQLite keeps times as text, and compares them as text.
    #[test]
    fn the_order_of_times_as_text_is_the_order_of_times(mut times in prop::collection::vec(times(), 2..40)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let stored = runtime.block_on(stored_in_order(&times));
        times.sort_unstable();
        prop_assert_eq!(stored, times);
    }
}

async fn stored_in_order(times: &[Timestamp]) -> Vec<Timestamp> {
    let mut conn = SqliteConnection::connect("sqlite::memory:").await.unwrap();
    sqlx::raw_sql("create table times (at text not null) strict").execute(&mut conn).await.unwrap();
    for at in times {
        sqlx::query("insert into times (at) values ($1)").bind(*at).execute(&mut conn).await.unwrap();
    }
    sqlx::query_scalar("select at from times order by at").fetch_all(&mut conn).await.unwrap()
}
