//! One database of either engine, for reading.

use std::path::Path;
use std::str::FromStr as _;

use sqlx::postgres::{PgConnectOptions, PgRow};
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};
use sqlx::{ConnectOptions as _, FromRow, PgConnection, SqliteConnection};

/// A connection.
#[derive(Debug)]
pub enum Reader {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Reader {
    /// A SQLite file.
    pub async fn file(path: &Path) -> Self {
        let options = SqliteConnectOptions::new().filename(path).read_only(true);
        Self::Sqlite(options.connect().await.expect("the file"))
    }

    /// A PostgreSQL database.
    pub async fn database(url: &str) -> Self {
        let options = PgConnectOptions::from_str(url).expect("a PostgreSQL URL");
        Self::Postgres(options.connect().await.expect("the database"))
    }

    /// The rows of a query in the SQL that both engines have.
    pub async fn rows<T>(&mut self, query: &'static str) -> Vec<T>
    where
        T: for<'row> FromRow<'row, SqliteRow> + for<'row> FromRow<'row, PgRow> + Send + Unpin,
    {
        let rows = match self {
            Self::Sqlite(conn) => sqlx::query_as(query).fetch_all(conn).await,
            Self::Postgres(conn) => sqlx::query_as(query).fetch_all(conn).await,
        };
        rows.unwrap_or_else(|error| panic!("{error}: {query}"))
    }

    /// The rows of a query with one column.
    pub async fn column<T>(&mut self, query: &'static str) -> Vec<T>
    where
        (T,): for<'row> FromRow<'row, SqliteRow> + for<'row> FromRow<'row, PgRow> + Send + Unpin,
    {
        self.rows::<(T,)>(query).await.into_iter().map(|(value,)| value).collect()
    }

    /// What is damaged in a SQLite file. PostgreSQL looks after its own.
    pub async fn damage(&mut self) -> Vec<String> {
        match self {
            Self::Sqlite(_) => {
                let found: Vec<String> = self.column("pragma integrity_check").await;
                found.into_iter().filter(|line| line != "ok").collect()
            }
            Self::Postgres(_) => Vec::new(),
        }
    }
}
