//! The file of a SQLite database.

use std::path::Path;

use tessera_storage::{Db, affected};

use crate::support::{number, run_sql};

#[cfg(unix)]
fn mode(file: &Path) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(file).unwrap().permissions().mode() & 0o777
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_it() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("private.sqlite");
    let db = Db::sqlite(&file).await.unwrap();
    run_sql(&db, "create table t (n integer not null)").await;
    for name in ["private.sqlite", "private.sqlite-wal", "private.sqlite-shm"] {
        assert_eq!(format!("{:o}", mode(&folder.path().join(name))), "600", "{name}");
    }
}

#[tokio::test]
async fn what_was_written_is_there_when_it_is_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("again.sqlite");
    let db = Db::sqlite(&file).await.unwrap();
    run_sql(&db, "create table t (n integer not null); insert into t (n) values (7)").await;
    db.close().await;
    assert_eq!(number(&Db::sqlite(&file).await.unwrap(), "select n from t").await, 7);
}

#[tokio::test]
async fn readers_cannot_write_and_references_are_kept() {
    crate::support::on_sqlite(async |db| {
        run_sql(db, "create table a (id integer primary key); create table b (a integer not null references a (id))")
            .await;
        affected!(&mut db.read().await.unwrap(), sqlx::query("insert into a (id) values (1)")).unwrap_err();
        affected!(&mut db.write().await.unwrap(), sqlx::query("insert into b (a) values (1)")).unwrap_err();
    })
    .await;
}
