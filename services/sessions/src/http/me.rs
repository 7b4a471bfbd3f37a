//! `/v1/me`: the user whose session acts.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};
use tessera_common::clock::Timestamp;
use tessera_common::dialect::client::Refusal;
use tessera_common::dialect::json as answer;
use tessera_common::ids::{decode_prefixed, encode_prefixed};
use tessera_contracts::call::Failure;
use tessera_contracts::ids::SessionId;

use super::caller::{ClientCaller, query};
use super::client_view;
use crate::actions::list;
use crate::actions::show_client::{Seen, ShownSession, see_client, show_changed, show_seen};
use crate::domain::session::Session;
use crate::sessions::Sessions;

/// The user whose session acts.
#[utoipa::path(
    get, path = "/v1/me", tag = "client", security(("client_cookie" = []), ("client_token" = [])),
    responses(
        (status = 200, description = "The user in `response`, the client in `client`", body = Object),
        (status = 401, description = "No client, or no live session of it acts"),
    )
)]
pub async fn get(
    sessions: web::Data<Sessions>,
    request: HttpRequest,
    caller: ClientCaller,
) -> Result<HttpResponse, Refusal> {
    let presented = caller.presented.ok_or(Refusal::unauthenticated())?;
    let seen = see_client(&sessions, presented);
    let acting = acting(&request, &seen)?.id;
    let shown = show_seen(&sessions, seen, caller.azp.as_deref()).await.map_err(Failure::accident)?;
    let person = shown.session(acting).and_then(|shown| shown.person.as_ref());
    let user = client_view::user(person.ok_or(Refusal::not_found())?);
    Ok(answer(StatusCode::OK, &json!({ "response": user, "client": client_view::client(&shown) })))
}

/// The user's live sessions, on every client, newest first.
#[utoipa::path(
    get, path = "/v1/me/sessions/active", tag = "client", security(("client_cookie" = []), ("client_token" = [])),
    responses(
        (status = 200, description = "The sessions, not wrapped", body = Vec<Object>),
        (status = 401, description = "No client, or no live session of it acts"),
    )
)]
pub async fn active_sessions(
    sessions: web::Data<Sessions>,
    request: HttpRequest,
    caller: ClientCaller,
) -> Result<HttpResponse, Refusal> {
    let presented = caller.presented.ok_or(Refusal::unauthenticated())?;
    let seen = see_client(&sessions, presented);
    let live = list::of_user(&sessions, acting(&request, &seen)?.user).await.map_err(Failure::accident)?;
    let now = sessions.clock.now();
    Ok(answer(StatusCode::OK, &live.iter().map(|session| in_brief(session, now)).collect::<Vec<_>>()))
}

/// End one of the user's sessions, on whichever client it is.
#[utoipa::path(
    post, path = "/v1/me/sessions/{session_id}/revoke", tag = "client",
    security(("client_cookie" = []), ("client_token" = [])),
    params(("session_id" = String, Path, description = "The session's id, `sess_…`")),
    responses(
        (status = 200, description = "The session in `response`, the client in `client`", body = Object),
        (status = 401, description = "No client, or no live session of it acts"),
        (status = 403, description = "The acting session's first factor is older than 10 minutes: prove it again"),
        (status = 404, description = "No such live session of the user"),
    )
)]
pub async fn revoke(
    sessions: web::Data<Sessions>,
    request: HttpRequest,
    caller: ClientCaller,
    id: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let azp = caller.azp.clone();
    let presented = caller.current()?;
    let seen = see_client(&sessions, presented.clone());
    let acting = acting(&request, &seen)?;
    if !acting.is_fresh(sessions.clock.now()) {
        let sentence = "Prove your password again: it is more than 10 minutes since";
        return Err(Refusal::coded(StatusCode::FORBIDDEN, "session_reverification_required", sentence));
    }
    let id = decode_prefixed("sess", &id).map(SessionId::from).ok_or(Refusal::not_found())?;
    let revoked = list::revoke(&sessions, acting.user, id).await.map_err(Failure::accident)?;
    let revoked = revoked.ok_or(Refusal::not_found())?;
    let shown = show_changed(&sessions, presented, azp.as_deref()).await.map_err(Failure::accident)?;
    let view = client_view::session(&ShownSession { session: revoked, person: None, token: None }, shown.now);
    Ok(answer(StatusCode::OK, &json!({ "response": view, "client": client_view::client(&shown) })))
}

/// The session that acts: the one that `_clerk_session_id` names, else the one used last. It must be alive and the client's.
fn acting<'a>(request: &HttpRequest, seen: &'a Seen) -> Result<&'a Session, Refusal> {
    let named = query(request, "_clerk_session_id").map(|named| decode_prefixed("sess", &named).map(SessionId::from));
    seen.acting(named).ok_or(Refusal::unauthenticated())
}

/// A session in brief, and where it was last used. Browser and place need tables that are not here, so they are left out.
fn in_brief(session: &Session, now: Timestamp) -> Value {
    let is_mobile = session.user_agent.as_ref().is_some_and(|agent| agent.contains("Mobi"));
    json!({
        "object": "session",
        "id": encode_prefixed("sess", session.id.uuid()),
        "actor": null,
        "status": session.status(now).name(),
        "last_active_at": session.last_active_at.timestamp_millis(),
        "expire_at": session.expire_at.timestamp_millis(),
        "abandon_at": session.abandon_at.timestamp_millis(),
        "latest_activity": {
            "object": "session_activity",
            "id": encode_prefixed("sess_activity", session.id.uuid()),
            "is_mobile": is_mobile,
            "ip_address": session.address,
        },
    })
}
