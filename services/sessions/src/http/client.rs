//! `GET /v1/client`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde_json::json;
use tessera_common::dialect::client::Refusal;
use tessera_common::dialect::json as answer;
use tessera_contracts::call::Failure;

use super::caller::ClientCaller;
use super::client_view;
use crate::actions::show_client::{see_client, show_seen};
use crate::sessions::Sessions;

/// The calling client, with its sessions.
///
/// Never 401: client libraries answer any 401 by calling this. Without a client, or with a secret that was replaced too long ago,
/// `response` is null. Reading never makes a client.
#[utoipa::path(
    get, path = "/v1/client", tag = "client", security(("client_cookie" = []), ("client_token" = [])),
    responses((status = 200, description = "The client in `response`, or null", body = Object))
)]
pub async fn get(sessions: web::Data<Sessions>, caller: ClientCaller) -> Result<HttpResponse, Refusal> {
    let shown = match caller.presented {
        Some(presented) => {
            let seen = see_client(&sessions, presented);
            Some(show_seen(&sessions, seen, caller.azp.as_deref()).await.map_err(Failure::accident)?)
        }
        None => None,
    };
    Ok(answer(StatusCode::OK, &json!({ "response": shown.as_ref().map(client_view::client), "client": null })))
}
