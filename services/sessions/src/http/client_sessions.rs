//! `/v1/client/sessions/{session_id}/…`.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, SET_COOKIE};
use actix_web::{HttpResponse, web};
use serde_json::{Value, json};
use tessera_common::dialect::Accident;
use tessera_common::dialect::client::Refusal;
use tessera_common::dialect::json as answer;
use tessera_common::ids::decode_prefixed;
use tessera_common::server::Body;
use tessera_contracts::call::Failure;
use tessera_contracts::ids::SessionId;

use super::caller::ClientCaller;
use super::client_view;
use crate::actions::end::{end as end_session, remove as remove_session};
use crate::actions::mint::mint;
use crate::actions::resolve;
use crate::actions::show_client::{Found, Seen, Shown, ShownSession, see_client, show_changed, show_seen};
use crate::domain::client::ClientKind;
use crate::domain::session::{Session, Status};
use crate::sessions::Sessions;

/// A session of the calling client, in whatever status.
#[utoipa::path(
    get, path = "/v1/client/sessions/{session_id}", tag = "client",
    security(("client_cookie" = []), ("client_token" = [])),
    params(("session_id" = String, Path, description = "The session's id, `sess_…`")),
    responses(
        (status = 200, description = "The session in `response`, the client in `client`", body = Object),
        (status = 401, description = "No client, or one that is signed in nowhere"),
        (status = 404, description = "No such session of this client"),
    )
)]
pub async fn get(
    sessions: web::Data<Sessions>,
    caller: ClientCaller,
    id: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let presented = caller.presented.ok_or(Refusal::unauthenticated())?;
    let seen = see_client(&sessions, presented);
    let id = find(&seen, &id)?.id;
    let shown = show_seen(&sessions, seen, caller.azp.as_deref()).await.map_err(Failure::accident)?;
    let view = shown.session(id).map(|view| client_view::session(view, shown.now));
    Ok(answer(StatusCode::OK, &json!({ "response": view, "client": client_view::client(&shown) })))
}

/// A session token.
///
/// A JWT of 60 seconds, newly signed at each call and bound to the session. `organization_id` empty or absent means the personal
/// account.
#[utoipa::path(
    post, path = "/v1/client/sessions/{session_id}/tokens", tag = "client",
    security(("client_cookie" = []), ("client_token" = [])),
    params(("session_id" = String, Path, description = "The session's id, `sess_…`")),
    responses(
        (status = 200, description = "`{object, jwt}`, not wrapped", body = Object),
        (status = 401, description = "No client, or the session is not alive"),
        (status = 404, description = "No such session of this client; no such organization of the user"),
    )
)]
pub async fn mint_token(
    sessions: web::Data<Sessions>,
    caller: ClientCaller,
    id: web::Path<String>,
    body: Body,
) -> Result<HttpResponse, Refusal> {
    let organization = params(&body)?.into_iter().find(|(name, _)| name == "organization_id").map(|(_, value)| value);
    let presented = caller.presented.ok_or(Refusal::unauthenticated())?;
    let seen = see_client(&sessions, presented);
    let session = find(&seen, &id)?;
    let now = sessions.clock.now();
    if !session.is_live(now) {
        return Err(Refusal::unauthenticated());
    }
    if organization.is_some_and(|organization| !organization.is_empty()) {
        return Err(Refusal::coded(
            StatusCode::NOT_FOUND,
            "organization_not_found_or_unauthorized",
            "There is no such organization, or the user is no member of it",
        ));
    }
    resolve::note_use(&sessions, session, now).await.map_err(|error| Failure::from(error).accident())?;
    let jwt = mint(&sessions, session, caller.azp.as_deref(), now).map_err(Failure::accident)?;
    Ok(answer(StatusCode::OK, &json!({ "object": "token", "jwt": jwt })))
}

/// End a session: sign out of it.
///
/// It stays listed on the client, as `ended`, until the next sign-in there.
#[utoipa::path(
    post, path = "/v1/client/sessions/{session_id}/end", tag = "client",
    security(("client_cookie" = []), ("client_token" = [])),
    params(("session_id" = String, Path, description = "The session's id, `sess_…`")),
    responses(
        (status = 200, description = "The session in `response`, the client in `client`", body = Object),
        (status = 400, description = "The session is over"),
        (status = 401, description = "No client, or a secret that was replaced"),
        (status = 404, description = "No such session of this client"),
    )
)]
pub async fn end(
    sessions: web::Data<Sessions>,
    caller: ClientCaller,
    id: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let azp = caller.azp.clone();
    let presented = caller.current()?;
    let seen = see_client(&sessions, presented.clone());
    let id = find(&seen, &id)?.id;
    let ended = end_session(&sessions, id, Status::Ended, "signed_out").await.map_err(Failure::accident)?;
    ended.ok_or(OVER)?;
    let shown = show_changed(&sessions, presented, azp.as_deref()).await.map_err(Failure::accident)?;
    let view = shown.session(id).map(|view| client_view::session(view, shown.now));
    let mut response = answer(StatusCode::OK, &json!({ "response": view, "client": client_view::client(&shown) }));
    tell_scripts(&sessions, &shown, &mut response);
    Ok(response)
}

/// The session's status forbids it.
const OVER: Refusal = Refusal::coded(StatusCode::BAD_REQUEST, "invalid_action_for_session", "This session is over");

/// Remove a session: sign out of it, and take it off the client's list.
///
/// A session that has ended by itself or by `end` can be removed too.
#[utoipa::path(
    post, path = "/v1/client/sessions/{session_id}/remove", tag = "client",
    security(("client_cookie" = []), ("client_token" = [])),
    params(("session_id" = String, Path, description = "The session's id, `sess_…`")),
    responses(
        (status = 200, description = "The session in `response`, the client without it in `client`", body = Object),
        (status = 400, description = "The session was ended from elsewhere"),
        (status = 401, description = "No client, or a secret that was replaced"),
        (status = 404, description = "No such session of this client"),
    )
)]
pub async fn remove(
    sessions: web::Data<Sessions>,
    caller: ClientCaller,
    id: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let azp = caller.azp.clone();
    let presented = caller.current()?;
    let seen = see_client(&sessions, presented.clone());
    let removed = remove_session(&sessions, find(&seen, &id)?.id).await.map_err(Failure::accident)?.ok_or(OVER)?;
    let shown = show_changed(&sessions, presented, azp.as_deref()).await.map_err(Failure::accident)?;
    let view = client_view::session(&ShownSession { session: removed, person: None, token: None }, shown.now);
    let mut response = answer(StatusCode::OK, &json!({ "response": view, "client": client_view::client(&shown) }));
    tell_scripts(&sessions, &shown, &mut response);
    Ok(response)
}

/// Tells a browser's scripts, by cookie, that a session ended.
fn tell_scripts(sessions: &Sessions, shown: &Shown, response: &mut HttpResponse) {
    if shown.client.kind != ClientKind::Browser {
        return;
    }
    let alive = shown.sessions.iter().any(|shown_session| shown_session.session.is_live(shown.now));
    let changed_at = alive.then_some(shown.client.auth_changed_at);
    for line in sessions.cookies.after_change(None, changed_at) {
        if let Ok(line) = HeaderValue::from_str(&line) {
            response.headers_mut().append(SET_COOKIE, line);
        }
    }
}

/// The client's session of that id. Unknown, another client's and removed are one answer, by which nobody learns of others'
/// sessions; a client that is signed in nowhere learns only that.
fn find<'a>(seen: &'a Seen, id: &str) -> Result<&'a Session, Refusal> {
    match seen.find(decode_prefixed("sess", id).map(SessionId::from)) {
        Found::Session(session) => Ok(session),
        Found::Nothing { signed_in: true } => Err(Refusal::not_found()),
        Found::Nothing { signed_in: false } => Err(Refusal::unauthenticated()),
    }
}

/// The fields of the body: a form, or a JSON object with the same names.
fn params(body: &Body) -> Result<Vec<(String, String)>, Refusal> {
    if body.media_type == "application/json" {
        let object: serde_json::Map<String, Value> = body.json()?;
        return Ok(object
            .into_iter()
            .map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned()))
            .collect());
    }
    if body.bytes.is_empty() || body.media_type == "application/x-www-form-urlencoded" {
        return Ok(body.form()?);
    }
    Err(Accident::UnsupportedMediaType.into())
}
