//! Fresh, migrated databases for each test, with the signing keys already made.
//!
//! Both engines copy a template that the first test makes: PostgreSQL a database with a schema per context, SQLite a folder with a
//! file per context. The copies are gone when the test is.

use std::collections::hash_map::DefaultHasher;
use std::fs::File;
use std::hash::{Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::str::FromStr as _;

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, PgConnection};
use tempfile::TempDir;
use tessera_standalone::infrastructure::{Databases, SCHEMAS};
use tessera_storage::{Cache, Db};

/// An engine that tests run on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A file per context.
    Sqlite,
    /// A schema per context.
    Postgres,
}

impl Engine {
    /// Whether the PostgreSQL half of the tests is to run.
    #[must_use]
    pub fn postgres_is_wanted() -> bool {
        std::env::var("TESSERA_TEST_POSTGRES").as_deref() != Ok("off")
    }
}

/// What goes away with a test.
#[derive(Debug)]
pub enum Leftovers {
    /// A folder, removed when this is dropped.
    Folder(#[expect(dead_code, reason = "held for its drop")] TempDir),
    /// A database.
    Database(String),
}

/// Databases for one test.
pub async fn fresh(engine: Engine) -> (Databases, Leftovers) {
    match engine {
        Engine::Sqlite => sqlite().await,
        Engine::Postgres => postgres().await,
    }
}

/// How the platform is built once on a template: with keys, and without the clients of the dev profile, which production refuses.
const PREPARED_AS: (&str, &str) = ("TESSERA_PROFILE", "production");

/// Changes with the schemas, so that a template is never older than they are.
fn fingerprint() -> String {
    let mut hasher = DefaultHasher::new();
    PREPARED_AS.hash(&mut hasher);
    for (name, migrations) in SCHEMAS {
        name.hash(&mut hasher);
        for migration in migrations.postgres.iter().chain(migrations.sqlite.iter()) {
            migration.checksum.hash(&mut hasher);
        }
    }
    format!("{:016x}", hasher.finish())
}

async fn prepare(databases: Databases) {
    for (db, (_, migrations)) in databases.all().into_iter().zip(SCHEMAS) {
        migrations.apply(db).await.expect("migrated");
    }
    crate::app::build(databases.clone(), Cache::Memory, &[PREPARED_AS]).await;
    for db in databases.all() {
        db.close().await;
    }
}

async fn sqlite() -> (Databases, Leftovers) {
    let template = sqlite_template().await;
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, _) in SCHEMAS {
        std::fs::copy(file(&template, name), file(folder.path(), name)).expect("copied");
    }
    (open_sqlite(folder.path()).await, Leftovers::Folder(folder))
}

async fn open_sqlite(folder: &Path) -> Databases {
    let mut opened = Vec::new();
    for (name, _) in SCHEMAS {
        opened.push(Db::sqlite(&file(folder, name)).await.expect("a SQLite file"));
    }
    Databases::from(<[Db; 4]>::try_from(opened).expect("a database for each context"))
}

fn file(folder: &Path, context: &str) -> PathBuf {
    folder.join(format!("{context}.sqlite"))
}

async fn sqlite_template() -> PathBuf {
    let base = std::env::temp_dir().join("tessera-test-templates");
    std::fs::create_dir_all(&base).expect("a folder for templates");
    let folder = base.join(fingerprint());
    let lock = File::create(base.join("lock")).expect("a lock file");
    lock.lock().expect("locked");
    if !folder.exists() {
        let making = tempfile::tempdir_in(&base).expect("a folder");
        prepare(open_sqlite(making.path()).await).await;
        // A closed database may leave its last commits in the log beside it: a snapshot has them all in one file.
        let snapshot = tempfile::tempdir_in(&base).expect("a folder");
        for (name, _) in SCHEMAS {
            snapshot_of(&file(making.path(), name), &file(snapshot.path(), name)).await;
        }
        std::fs::rename(snapshot.path(), &folder).expect("renamed");
    }
    folder
}

async fn snapshot_of(from: &Path, to: &Path) {
    let mut conn = SqliteConnectOptions::new().filename(from).connect().await.expect("the database");
    let to = to.to_str().expect("a path in UTF-8").to_owned();
    sqlx::query("vacuum into $1").bind(to).execute(&mut conn).await.expect("a snapshot");
    conn.close().await.expect("closed");
}

async fn postgres() -> (Databases, Leftovers) {
    let mut admin = connect().await;
    let template = postgres_template(&mut admin).await;
    let name = format!("tessera_test_{}", unique());
    run(&mut admin, format!("create database {name} template {template}")).await;
    (open_postgres(&name), Leftovers::Database(name))
}

fn open_postgres(database: &str) -> Databases {
    Databases::from(SCHEMAS.map(|(context, _)| {
        let options = options(database).options([("search_path", context)]);
        Db::postgres_with(options, 8)
    }))
}

async fn postgres_template(admin: &mut PgConnection) -> String {
    let name = format!("tessera_template_{}", fingerprint());
    if is_template(admin, &name).await {
        return name;
    }
    // One maker at a time; the lock ends with the connection.
    run(admin, "select pg_advisory_lock(7233842)".to_owned()).await;
    if !is_template(admin, &name).await {
        run(admin, format!("drop database if exists {name}")).await;
        run(admin, format!("create database {name}")).await;
        let mut conn = options(&name).connect().await.expect("the template");
        for (context, _) in SCHEMAS {
            run(&mut conn, format!("create schema {context}")).await;
        }
        conn.close().await.expect("closed");
        prepare(open_postgres(&name)).await;
        run(admin, format!("alter database {name} is_template true")).await;
    }
    run(admin, "select pg_advisory_unlock(7233842)".to_owned()).await;
    name
}

async fn is_template(admin: &mut PgConnection, name: &str) -> bool {
    sqlx::query_scalar("select exists (select from pg_database where datname = $1 and datistemplate)")
        .bind(name.to_owned())
        .fetch_one(admin)
        .await
        .expect("the list of databases")
}

fn options(database: &str) -> PgConnectOptions {
    let url = std::env::var("TESSERA_TEST_POSTGRES_URL");
    let url = url.unwrap_or_else(|_| "postgres://postgres@127.0.0.1:5432/postgres".to_owned());
    let options = PgConnectOptions::from_str(&url).expect("TESSERA_TEST_POSTGRES_URL is a PostgreSQL URL");
    let options = if database.is_empty() { options } else { options.database(database) };
    // A handshake for each of a test's connections is most of what the test would take.
    let is_here = matches!(options.get_host(), "localhost" | "127.0.0.1" | "::1");
    if is_here && matches!(options.get_ssl_mode(), PgSslMode::Prefer) {
        options.ssl_mode(PgSslMode::Disable)
    } else {
        options
    }
}

async fn connect() -> PgConnection {
    options("").connect().await.expect("PostgreSQL answers; TESSERA_TEST_POSTGRES=off leaves its tests out")
}

async fn run(conn: &mut PgConnection, sql: String) {
    conn.execute(AssertSqlSafe(sql)).await.expect("the statement runs");
}

/// Drops a test's database, from a thread of its own: a test may end anywhere.
pub fn drop_database(name: String) {
    let dropping = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut admin = connect().await;
            end_sessions(&mut admin, &name).await;
            run(&mut admin, format!("drop database if exists {name} with (force)")).await;
        });
    });
    // A failure here leaves a database behind, and the test's own outcome as it was.
    let _ = dropping.join();
}

/// Ends the sessions in a database. `drop database … with (force)` does too, and then waits a tenth of a second before it looks.
async fn end_sessions(admin: &mut PgConnection, database: &str) {
    for _ in 0..500 {
        let left: i64 =
            sqlx::query_scalar("select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = $1")
                .bind(database.to_owned())
                .fetch_one(&mut *admin)
                .await
                .expect("the list of sessions");
        if left == 0 {
            return;
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a name that no other test process has")]
fn unique() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}
