//! A client with its listed sessions, as a secret may see them: read in one statement, so that no rise falls between them.

use sqlx::{ColumnIndex, Decode, FromRow, Type};
use tessera_common::clock::Timestamp;
use tessera_contracts::ids::BrowserClientId;
use tessera_storage::{Session as On, run};
use uuid::Uuid;

use super::session_rows::{Row as SessionRow, above_floor, columns};
use crate::domain::client::{Client, ClientKind};
use crate::domain::session::Session;

/// A client as one of its secrets sees it.
#[derive(Clone, Debug)]
pub struct SeenClient {
    /// The client.
    pub client: Client,
    /// Whether the secret is the present one.
    pub is_current: bool,
    /// The listed sessions, those used last first. A secret that is not the present one (any more) sees what was there before the
    /// client's last rise, at the level it had.
    pub listed: Vec<Session>,
}

#[derive(sqlx::FromRow)]
struct Row {
    client: Uuid,
    kind: String,
    rotated_at: Timestamp,
    presented_at: Option<Timestamp>,
    has_previous: bool,
    auth_changed_at: Timestamp,
    last_active_session: Option<Uuid>,
    created_at: Timestamp,
    is_current: bool,
    #[sqlx(flatten)]
    session: Joined,
}

/// The session of a row, where the client has one.
struct Joined(Option<SessionRow>);

impl<'r, R: sqlx::Row> FromRow<'r, R> for Joined
where
    SessionRow: FromRow<'r, R>,
    &'static str: ColumnIndex<R>,
    Option<i64>: Decode<'r, R::Database> + Type<R::Database>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        let number: Option<i64> = row.try_get("number")?;
        number.map(|_| SessionRow::from_row(row)).transpose().map(Self)
    }
}

macro_rules! select_client {
    ($which:literal) => {
        concat!(
            "select c.id as client, c.kind, c.rotated_at, c.presented_at, c.previous_digest is not null as has_previous, \
             c.auth_changed_at, c.last_active_session, c.created_at, coalesce(c.secret_digest = $1, false) as is_current, ",
            columns!("s."),
            " from browser_clients c left join sessions s on s.client_id = c.id and s.listed and (s.status <> 'active' or ",
            above_floor!(),
            ") where ",
            $which,
            " order by s.last_active_at desc, s.number desc"
        )
    };
}

/// The client of `kind` that a secret belongs or belonged to.
pub async fn by_secret(on: &mut impl On, kind: ClientKind, digest: &[u8]) -> sqlx::Result<Option<SeenClient>> {
    let rows = run!(on, |e| sqlx::query_as(select_client!(
        "(c.secret_digest = $1 or c.previous_digest = $1) and c.kind = $2"
    ))
    .bind(digest.to_vec())
    .bind(kind.name())
    .fetch_all(e))?;
    Ok(seen(rows))
}

/// The client of an id, as the secret of `digest` sees it.
pub async fn by_id(on: &mut impl On, id: BrowserClientId, digest: &[u8]) -> sqlx::Result<Option<SeenClient>> {
    let rows =
        run!(on, |e| sqlx::query_as(select_client!("c.id = $2")).bind(digest.to_vec()).bind(id.uuid()).fetch_all(e))?;
    Ok(seen(rows))
}

/// Rows of one client.
fn seen(rows: Vec<Row>) -> Option<SeenClient> {
    let first = rows.first()?;
    let (is_current, rotated_at) = (first.is_current, first.rotated_at);
    let client = Client {
        id: first.client.into(),
        kind: ClientKind::named(&first.kind),
        rotated_at,
        presented_at: first.presented_at,
        has_previous: first.has_previous,
        auth_changed_at: first.auth_changed_at,
        last_active_session: first.last_active_session.map(Into::into),
        created_at: first.created_at,
    };
    let sessions = rows.into_iter().filter_map(|row| row.session.0).map(Session::from);
    let listed = sessions
        .filter(|session| is_current || session.started_at < rotated_at)
        .map(|mut session| {
            session.second_factor_at = session.second_factor_at.filter(|at| is_current || *at < rotated_at);
            session
        })
        .collect();
    Some(SeenClient { client, is_current, listed })
}
