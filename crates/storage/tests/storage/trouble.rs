//! Which errors mean "not now".

use std::time::Duration;

use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{ConnectOptions as _, Executor as _};
use tessera_storage::database::is_unavailable;
use tessera_storage::{Db, Tx, affected};

use crate::support::{on_postgres, on_sqlite, onlooker, pool, run_sql};

/// The error's code as its engine gives it, and whether it means "not now".
fn judged<T: std::fmt::Debug>(outcome: sqlx::Result<T>) -> (String, bool) {
    let error = outcome.expect_err("it fails");
    let code = error.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned());
    (code.unwrap_or_default(), is_unavailable(&error))
}

fn not_now(code: &str) -> (String, bool) {
    (code.to_owned(), true)
}

fn never(code: &str) -> (String, bool) {
    (code.to_owned(), false)
}

const TABLE: &str =
    "create table t (id bigint not null primary key, n bigint); insert into t (id, n) values (1, 1), (2, 2)";

async fn update(tx: &mut Tx, id: i64) -> sqlx::Result<u64> {
    affected!(tx, sqlx::query("update t set n = 0 where id = $1").bind(id))
}

on_every_database! {
    async fn a_closed_pool(db: &Db) {
        db.close().await;
        assert_eq!(judged(db.read().await), not_now(""));
        assert_eq!(judged(db.write().await), not_now(""));
        assert_eq!(judged(db.begin().await), not_now(""));
    }

    async fn mistakes_are_not_trouble_that_passes(db: &Db) {
        run_sql(db, TABLE).await;
        for mistake in ["selec", "select nothing from t", "insert into t (id) values (1)", "insert into t (id) values (null)"] {
            let outcome = affected!(&mut db.write().await.unwrap(), sqlx::query(mistake));
            assert!(!is_unavailable(&outcome.unwrap_err()), "{mistake}");
        }
    }
}

#[tokio::test]
async fn no_connection_is_free() {
    on_postgres(async |db| {
        let db = Db::postgres_with((*pool(db).connect_options()).clone(), 3);
        let _held = (db.read().await.unwrap(), db.begin().await.unwrap(), db.begin().await.unwrap());
        let (read, begun) = futures::join!(db.read(), db.begin());
        assert_eq!(judged(read), not_now(""));
        assert_eq!(judged(begun), not_now(""));
    })
    .await;
}

#[tokio::test]
async fn a_statement_or_a_lock_took_too_long() {
    on_postgres(async |db| {
        run_sql(db, TABLE).await;
        let mut conn = onlooker(db).await;
        conn.execute("set statement_timeout = '10ms'").await.unwrap();
        assert_eq!(judged(conn.execute("select pg_sleep(5)").await), not_now("57014"));

        let mut holder = db.begin().await.unwrap();
        update(&mut holder, 1).await.unwrap();
        let mut conn = onlooker(db).await;
        conn.execute("set lock_timeout = '10ms'").await.unwrap();
        assert_eq!(judged(conn.execute("update t set n = 0 where id = 1").await), not_now("55P03"));
    })
    .await;
}

#[tokio::test]
async fn two_transactions_wait_for_each_other() {
    on_postgres(async |db| {
        run_sql(db, TABLE).await;
        let (mut one, mut other) = (db.begin().await.unwrap(), db.begin().await.unwrap());
        for tx in [&mut one, &mut other] {
            affected!(tx, sqlx::query("set local lock_timeout = 0")).unwrap();
            affected!(tx, sqlx::query("set local deadlock_timeout = '10ms'")).unwrap();
        }
        update(&mut one, 1).await.unwrap();
        update(&mut other, 2).await.unwrap();
        let both = futures::join!(update(&mut one, 2), async {
            let outcome = update(&mut other, 1).await;
            drop(other);
            outcome
        });
        let victim = match both {
            (Err(error), _) | (_, Err(error)) => error,
            both => panic!("{both:?}"),
        };
        assert_eq!(judged::<()>(Err(victim)), not_now("40P01"));
    })
    .await;
}

#[tokio::test]
async fn the_server_ended_the_session() {
    on_postgres(async |db| {
        let mut conn = onlooker(db).await;
        let pid: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut conn).await.unwrap();
        let ended: bool =
            sqlx::query_scalar("select pg_terminate_backend($1, 2000)").bind(pid).fetch_one(pool(db)).await.unwrap();
        assert!(ended);
        assert_eq!(judged(conn.execute("select 1").await), not_now("57P01"));
        assert!(judged(conn.execute("select 1").await).1, "and from then on the connection is broken");

        let mut conn = onlooker(db).await;
        let pid: i32 = sqlx::query_scalar("select pg_backend_pid()").fetch_one(&mut conn).await.unwrap();
        conn.execute("set idle_in_transaction_session_timeout = '10ms'; begin").await.unwrap();
        let gone = "select count(*) = 0 from pg_stat_activity where pid = $1";
        while !sqlx::query_scalar::<_, bool>(gone).bind(pid).fetch_one(pool(db)).await.unwrap() {}
        assert_eq!(judged(conn.execute("select 1").await), not_now("25P03"));
    })
    .await;
}

#[tokio::test]
async fn a_role_that_may_only_read_now() {
    on_postgres(async |db| {
        run_sql(db, TABLE).await;
        let mut conn = onlooker(db).await;
        conn.execute("set default_transaction_read_only = on").await.unwrap();
        assert_eq!(judged(conn.execute("update t set n = 0").await), not_now("25006"));
    })
    .await;
}

#[tokio::test]
async fn sqlite_is_busy_or_read_only() {
    on_sqlite(async |db| {
        run_sql(db, TABLE).await;
        let Db::Sqlite { write, .. } = db else { unreachable!() };
        let options = (*write.connect_options()).clone().busy_timeout(Duration::ZERO);
        let other = SqlitePoolOptions::new().max_connections(1).connect_with(options.clone()).await.unwrap();

        let mut late = options.connect().await.unwrap();
        late.execute("begin; select count(*) from t").await.unwrap();
        let mut holder = db.begin().await.unwrap();
        update(&mut holder, 1).await.unwrap();
        assert_eq!(judged(other.execute("update t set n = 0").await), not_now("5"), "another writes");
        holder.commit().await.unwrap();
        assert_eq!(
            judged(late.execute("update t set n = 0").await),
            not_now("517"),
            "another has written since it read"
        );

        let mut reader = db.read().await.unwrap();
        assert_eq!(judged(affected!(&mut reader, sqlx::query("update t set n = 0"))), not_now("8"));
    })
    .await;
}

#[tokio::test]
async fn sqlite_has_no_room_left() {
    on_sqlite(async |db| {
        run_sql(db, "create table filler (bytes blob); pragma max_page_count = 4").await;
        let fill =
            affected!(&mut db.write().await.unwrap(), sqlx::query("insert into filler values (zeroblob(100000))"));
        assert_eq!(judged(fill), not_now("13"));
    })
    .await;
}

#[tokio::test]
async fn sqlite_cannot_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteConnectOptions::new().filename(folder.path().join("missing").join("file"));
    assert_eq!(judged(options.connect().await), not_now("14"));
}

#[tokio::test]
async fn sqlite_tells_violations_by_extended_codes() {
    on_sqlite(async |db| {
        run_sql(db, "create table p (id text not null primary key, name text unique, n integer check (n > 0)) strict")
            .await;
        for (wrong, code) in [
            ("insert into p (id, name) values ('a', 'a'), ('b', 'a')", "2067"),
            ("insert into p (id) values ('a'), ('a')", "1555"),
            ("insert into p (id) values (null)", "1299"),
            ("insert into p (id, n) values ('c', 0)", "275"),
            ("insert into p (id, n) values ('c', 'text')", "3091"),
            ("selec", "1"),
        ] {
            assert_eq!(judged(affected!(&mut db.write().await.unwrap(), sqlx::query(wrong))), never(code), "{wrong}");
        }
    })
    .await;
}
