//! The clock and its mark in the database.

use chrono::TimeDelta;
use tessera_common::clock::{Clock, Timestamp};
use tessera_storage::{Db, clock, run};

use crate::support::{other_process, run_sql};

fn noon() -> Timestamp {
    Timestamp::from_timestamp_micros(1_768_471_200_000_001).unwrap()
}

async fn with_mark_table(db: &Db) {
    let at = if matches!(db, Db::Postgres { .. }) { "timestamptz" } else { "text" };
    run_sql(db, &format!("create table clock_mark (id integer not null primary key, at {at} not null)")).await;
}

async fn mark(db: &Db) -> Timestamp {
    run!(&mut db.read().await.unwrap(), |e| sqlx::query_scalar("select at from clock_mark").fetch_one(e)).unwrap()
}

on_every_database! {
    async fn time_does_not_go_back_over_a_restart(db: &Db) {
        with_mark_table(db).await;
        let before = Clock::fixed(noon());
        clock::start(db, &before).await.unwrap();
        before.advance(TimeDelta::minutes(5));
        clock::measure(db, &before).await.unwrap();

        let set_back = Clock::fixed(noon() - TimeDelta::hours(1));
        clock::start(db, &set_back).await.unwrap();
        assert_eq!(set_back.now(), before.now());
    }

    async fn a_running_clock_begins_at_the_mark_too(db: &Db) {
        with_mark_table(db).await;
        let ahead = Clock::machine().now() + TimeDelta::hours(1);
        clock::start(db, &Clock::fixed(ahead)).await.unwrap();
        let clock = Clock::machine();
        assert!(clock.now() < ahead);
        clock::start(db, &clock).await.unwrap();
        assert!(clock.now() >= ahead);
    }

    async fn the_mark_only_rises(db: &Db) {
        with_mark_table(db).await;
        clock::measure(db, &Clock::fixed(noon())).await.unwrap();
        clock::measure(db, &Clock::fixed(noon() - TimeDelta::microseconds(1))).await.unwrap();
        assert_eq!(mark(db).await, noon());
        clock::measure(db, &Clock::fixed(noon() + TimeDelta::microseconds(1))).await.unwrap();
        assert_eq!(mark(db).await, noon() + TimeDelta::microseconds(1));
    }
}

/// The database, as it were on a machine whose time is `offset` off: its own `clock_timestamp` is found first.
async fn whose_time_is_off(db: &Db, offset: &str) -> Db {
    with_mark_table(db).await;
    run_sql(
        db,
        &format!(
            "create function clock_timestamp() returns timestamptz language sql \
             as $$ select pg_catalog.clock_timestamp() + interval '{offset}' $$"
        ),
    )
    .await;
    other_process(db, 2, &[("search_path", "public,pg_catalog")]).await
}

#[tokio::test]
async fn a_running_clock_is_moved_to_the_time_of_postgres() {
    crate::support::on_postgres(async |db| {
        let ahead = whose_time_is_off(db, "1 hour").await;
        let (clock, machine) = (Clock::machine(), Clock::machine());
        clock::measure(&ahead, &clock).await.unwrap();
        let gained = clock.now() - machine.now() - TimeDelta::hours(1);
        assert!(gained.abs() < TimeDelta::seconds(5), "{gained}");
    })
    .await;
}

#[tokio::test]
async fn a_postgres_that_is_behind_does_not_take_time_back() {
    crate::support::on_postgres(async |db| {
        let behind = whose_time_is_off(db, "-1 hour").await;
        let clock = Clock::machine();
        let told = clock.now();
        clock::measure(&behind, &clock).await.unwrap();
        let after = clock.now();
        assert!(after >= told && after - told < TimeDelta::seconds(5), "it waits where it is: {after}");
    })
    .await;
}
