//! The accounts API's session routes: `/sessions` and `/sessions/{id}`.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, VARY};
use actix_web::{FromRequest as _, HttpRequest, HttpResponse, web};
use chrono::SecondsFormat;
use serde::Serialize;
use tessera_common::clock::Timestamp;
use tessera_common::dialect::accounts::Refusal;
use tessera_common::dialect::{Accident, Dialect, json};
use tessera_contracts::call::Failure;
use utoipa::ToSchema;

use super::caller::{SessionsCaller, SignedIn};
use crate::actions::end::end;
use crate::actions::list;
use crate::domain::session::{Session, Status};
use crate::sessions::Sessions;

/// A session as this API shows it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountsSession)]
pub struct SessionView {
    /// Its number.
    id: i64,
    /// The user's number.
    user_id: i64,
    /// The `User-Agent` of the sign-in.
    user_agent: Option<String>,
    /// The address of the sign-in.
    #[schema(example = "127.0.0.1")]
    ip_address: String,
    /// When it began.
    #[schema(example = "2026-03-04T17:20:33.632Z")]
    created_at: String,
    /// When it last changed.
    #[schema(example = "2026-03-04T17:20:33.632Z")]
    updated_at: String,
}

impl From<Session> for SessionView {
    fn from(session: Session) -> Self {
        let time = |at: Timestamp| at.to_rfc3339_opts(SecondsFormat::Millis, true);
        Self {
            id: session.number,
            user_id: session.user_number,
            user_agent: session.user_agent,
            ip_address: session.address,
            created_at: time(session.started_at),
            updated_at: time(session.updated_at),
        }
    }
}

/// The caller's live sessions, newest first.
///
/// By a session token. (A cookie or a signed token speaks to the identity API at this path.)
#[utoipa::path(
    get, path = "/sessions", tag = "accounts", security(("session_token" = [])),
    responses(
        (status = 200, description = "The sessions", body = Vec<SessionView>),
        (status = 401, description = "No session token, or one that is worth nothing"),
    )
)]
pub async fn list(sessions: web::Data<Sessions>, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    if SessionsCaller::of(&request) == SessionsCaller::Identity {
        return Ok(Dialect::Identity.answer(&Accident::NotFound));
    }
    let SignedIn(session) = SignedIn::extract(&request).await?;
    let live = list::of_user(&sessions, session.user).await.map_err(Failure::accident)?;
    let views: Vec<SessionView> = live.into_iter().map(SessionView::from).collect();
    let mut answer = json(StatusCode::OK, &views);
    answer.headers_mut().insert(VARY, HeaderValue::from_static("Authorization, Cookie"));
    Ok(answer)
}

/// One of the caller's live sessions.
///
/// Another user's, an unknown one and a word that is no number are all 404.
#[utoipa::path(
    get, path = "/sessions/{id}", tag = "accounts", security(("session_token" = [])),
    params(("id" = i64, Path, description = "The session's number")),
    responses(
        (status = 200, description = "The session", body = SessionView),
        (status = 401, description = "No session token, or one that is worth nothing"),
        (status = 404, description = "No such session of the caller's"),
    )
)]
pub async fn get(
    sessions: web::Data<Sessions>,
    caller: SignedIn,
    id: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let session = find(&sessions, &caller, &id).await?;
    Ok(json(StatusCode::OK, &SessionView::from(session)))
}

/// End one of the caller's sessions; with its own, sign out.
#[utoipa::path(
    delete, path = "/sessions/{id}", tag = "accounts", security(("session_token" = [])),
    params(("id" = i64, Path, description = "The session's number")),
    responses(
        (status = 204, description = "It has ended"),
        (status = 401, description = "No session token, or one that is worth nothing"),
        (status = 404, description = "No such session of the caller's"),
    )
)]
pub async fn delete(
    sessions: web::Data<Sessions>,
    caller: SignedIn,
    id: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let session = find(&sessions, &caller, &id).await?;
    let ended = end(&sessions, session.id, Status::Ended, "signed_out").await.map_err(Failure::accident)?;
    ended.map(|_| HttpResponse::NoContent().finish()).ok_or(Accident::NotFound.into())
}

async fn find(sessions: &Sessions, SignedIn(caller): &SignedIn, id: &str) -> Result<Session, Refusal> {
    let number = id.parse::<i64>().ok().filter(|number| number.to_string() == id).ok_or(Accident::NotFound)?;
    if number == caller.number {
        return Ok(caller.clone());
    }
    let found = list::one_of_user(sessions, caller.user, number).await.map_err(Failure::accident)?;
    found.ok_or(Accident::NotFound.into())
}
