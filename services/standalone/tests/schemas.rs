//! A context's schema is one schema, written for two engines.

#![cfg(test)]

use std::collections::BTreeMap;

use tessera_standalone::infrastructure::SCHEMAS;
use tessera_storage::{Db, run};
use tessera_testkit::{Engine, TestApp};

/// The migrations of messaging, by description: for PostgreSQL and for SQLite.
const MESSAGING: [(&str, [&str; 2]); 2] = [
    (
        "messaging",
        [
            include_str!("../../../crates/messaging/migrations/postgres/messaging.sql"),
            include_str!("../../../crates/messaging/migrations/sqlite/messaging.sql"),
        ],
    ),
    (
        "messaging trace",
        [
            include_str!("../../../crates/messaging/migrations/postgres/messaging_trace.sql"),
            include_str!("../../../crates/messaging/migrations/sqlite/messaging_trace.sql"),
        ],
    ),
];

#[test]
fn both_engines_have_the_same_migrations() {
    for (context, migrations) in SCHEMAS {
        let [postgres, sqlite] = [migrations.postgres, migrations.sqlite]
            .map(|engine| engine.iter().map(|step| (step.version, &*step.description)).collect::<Vec<_>>());
        assert_eq!(postgres, sqlite, "{context}");
        assert!(
            postgres.iter().map(|(version, _)| *version).eq(1..=i64::try_from(postgres.len()).unwrap()),
            "{context}"
        );
    }
}

#[test]
fn every_context_has_the_tables_of_messaging_as_they_are() {
    for (context, migrations) in SCHEMAS {
        for (description, originals) in MESSAGING {
            for (engine, original) in [migrations.postgres, migrations.sqlite].into_iter().zip(originals) {
                let copy = engine.iter().find(|step| step.description == description);
                assert_eq!(copy.map(|step| step.sql.as_str()), Some(original), "{context}: {description}");
            }
        }
    }
}

/// Columns by table and name: their type in SQLite's terms, and whether they may be null. Indexes by table and name too.
type Shape = BTreeMap<(String, String), (String, bool)>;

const ON_POSTGRES: &str = "\
    select cast(table_name as text), cast(column_name as text), \
           case when data_type in ('uuid', 'bytea') then 'blob' \
                when data_type in ('bigint', 'integer', 'boolean') then 'integer' \
                when data_type in ('text', 'jsonb', 'timestamp with time zone') then 'text' \
                else cast(data_type as text) end, \
           is_nullable = 'YES' \
    from information_schema.columns where table_schema = current_schema() and table_name not like '\\_sqlx%' \
    union all \
    select cast(i.tablename as text), cast(i.indexname as text), \
           case when i.indexdef like 'CREATE UNIQUE%' then 'unique index' else 'index' end, i.indexdef like '% WHERE %' \
    from pg_indexes i where i.schemaname = current_schema() and not exists ( \
        select from pg_constraint c where c.conname = i.indexname and c.connamespace = i.schemaname::regnamespace) \
    and i.tablename not like '\\_sqlx%'";

const ON_SQLITE: &str = "\
    select t.name, c.name, lower(c.type), c.\"notnull\" = 0 and c.pk = 0 \
    from sqlite_master t, pragma_table_info(t.name) c where t.type = 'table' and t.name not like '\\_sqlx%' escape '\\' \
    and t.name not like 'sqlite\\_%' escape '\\' \
    union all \
    select t.name, i.name, case when i.\"unique\" then 'unique index' else 'index' end, i.partial = 1 \
    from sqlite_master t, pragma_index_list(t.name) i where t.type = 'table' and i.origin = 'c'";

async fn shape(db: &Db) -> Shape {
    let sql = if matches!(db, Db::Postgres { .. }) { ON_POSTGRES } else { ON_SQLITE };
    let rows: Vec<(String, String, String, bool)> =
        run!(&mut db.read().await.unwrap(), |e| sqlx::query_as(sql).fetch_all(e)).unwrap();
    rows.into_iter().map(|(table, name, kind, null)| ((table, name), (kind, null))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_engines_end_up_with_the_same_tables_columns_and_indexes() {
    if !Engine::postgres_is_wanted() {
        return;
    }
    let (postgres, sqlite) = (TestApp::start(Engine::Postgres).await, TestApp::start(Engine::Sqlite).await);
    for ((postgres, sqlite), (context, _)) in
        postgres.databases.all().into_iter().zip(sqlite.databases.all()).zip(SCHEMAS)
    {
        let (postgres, sqlite) = (shape(postgres).await, shape(sqlite).await);
        assert!(postgres.contains_key(&("clock_mark".to_owned(), "at".to_owned())), "{context}");
        let differences: BTreeMap<_, _> = postgres
            .iter()
            .map(|(name, here)| (name, (Some(here), sqlite.get(name))))
            .chain(sqlite.iter().map(|(name, there)| (name, (postgres.get(name), Some(there)))))
            .filter(|(_, (here, there))| here != there)
            .collect();
        assert!(differences.is_empty(), "{context}, on PostgreSQL and on SQLite: {differences:?}");
    }
}
