//! Nothing is served from a schema that is not exactly this release's.

use sqlx::SqlStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use tessera_storage::{Db, MigrationError, Migrations, affected};

use crate::support::{number, other_process, run_sql};

type Step = (i64, &'static str, &'static str);

const ONE: Step = (1, "things", "create table things (n bigint not null)");
const TWO: Step = (2, "more things", "create table more_things (n bigint not null); insert into things (n) values (1)");

/// The migrations of a release.
fn release(steps: &[Step]) -> Migrations {
    let step = |&(version, name, sql): &Step| {
        Migration::new(version, name.into(), MigrationType::Simple, SqlStr::from_static(sql), false)
    };
    let migrator: &'static Migrator = Box::leak(Box::new(Migrator::with_migrations(steps.iter().map(step).collect())));
    Migrations { postgres: migrator, sqlite: migrator }
}

async fn tables(db: &Db) -> i64 {
    let all = match db {
        Db::Postgres { .. } => "select count(*) from information_schema.tables where table_schema = current_schema()",
        Db::Sqlite { .. } => "select count(*) from sqlite_master where type = 'table'",
    };
    number(db, all).await
}

on_every_database! {
    async fn what_is_pending_is_named_and_left_alone_until_it_is_applied(db: &Db) {
        let migrations = release(&[ONE, TWO]);
        let pending = migrations.check(db).await.unwrap_err();
        assert!(matches!(&pending, MigrationError::Pending(names) if names == "0001 things, 0002 more things"), "{pending}");
        assert_eq!(tables(db).await, 0, "looking changes nothing");

        release(&[ONE]).apply(db).await.unwrap();
        let pending = migrations.check(db).await.unwrap_err();
        assert!(matches!(&pending, MigrationError::Pending(names) if names == "0002 more things"), "{pending}");
        migrations.apply(db).await.unwrap();
        migrations.check(db).await.unwrap();
    }

    async fn applying_again_does_nothing(db: &Db) {
        let migrations = release(&[ONE, TWO]);
        for _ in 0..3 {
            migrations.apply(db).await.unwrap();
        }
        assert_eq!(number(db, "select count(*) from things").await, 1);
    }

    async fn a_schema_of_a_newer_release_is_refused(db: &Db) {
        release(&[ONE, TWO]).apply(db).await.unwrap();
        let older = release(&[ONE]);
        for refused in [older.check(db).await, older.apply(db).await] {
            assert!(matches!(refused, Err(MigrationError::Unknown(2))), "{refused:?}");
        }
    }

    async fn a_migration_that_was_changed_after_it_was_applied_is_refused(db: &Db) {
        release(&[ONE]).apply(db).await.unwrap();
        let changed = release(&[(1, "things", "create table things (n bigint)"), TWO]);
        for refused in [changed.check(db).await, changed.apply(db).await] {
            assert!(matches!(refused, Err(MigrationError::Changed(1))), "{refused:?}");
        }
        assert_eq!(number(db, "select count(*) from _sqlx_migrations").await, 1);
    }

    async fn a_migration_that_fails_leaves_nothing_behind_and_can_be_mended(db: &Db) {
        let broken = release(&[(1, "things", "create table things (n bigint not null); create table things (n bigint)")]);
        let failed = broken.apply(db).await.unwrap_err();
        assert!(matches!(failed, MigrationError::Migrate(_)), "{failed}");
        release(&[ONE]).apply(db).await.unwrap();
        assert_eq!(affected!(&mut db.write().await.unwrap(), sqlx::query("insert into things (n) values (1)")).unwrap(), 1);
    }
}

#[tokio::test]
async fn two_processes_migrate_together() {
    crate::support::on_postgres(async |db| {
        for round in 0..10 {
            let schema = format!("round_{round}");
            run_sql(db, &format!("create schema {schema}")).await;
            let one = other_process(db, 1, &[("search_path", &schema)]).await;
            let other = other_process(db, 1, &[("search_path", &schema)]).await;
            let migrations = release(&[ONE, TWO]);
            let (one_done, other_done) = futures::join!(migrations.apply(&one), migrations.apply(&other));
            one_done.unwrap();
            other_done.unwrap();
            assert_eq!(number(&one, "select count(*) from things").await, 1);
        }
    })
    .await;
}

#[tokio::test]
async fn a_migration_may_take_longer_than_a_request_and_others_wait_for_it() {
    crate::support::on_postgres(async |db| {
        let hasty = [("statement_timeout", "1s"), ("lock_timeout", "1s")];
        let one = other_process(db, 1, &hasty).await;
        let other = other_process(db, 1, &hasty).await;
        let slow = release(&[(1, "slow", "select pg_sleep(1.5)")]);
        let (one_done, other_done) = futures::join!(slow.apply(&one), slow.apply(&other));
        one_done.unwrap();
        other_done.unwrap();
        let hasty_still =
            number(&one, "select count(*) from pg_settings where name like '%t_timeout' and setting = '1000'");
        assert_eq!(hasty_still.await, 1);
    })
    .await;
}
