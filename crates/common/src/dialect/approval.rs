//! The approval API's errors: `{"error": "<code>", "message": "<sentence>", "requestId": …}`.

use actix_web::HttpResponse;
use serde_json::json;

use super::Accident;

pub(super) fn accident(accident: &Accident) -> HttpResponse {
    super::json(
        accident.status(),
        &json!({ "error": accident.code(), "message": accident.sentence(), "requestId": crate::server::request_id() }),
    )
}
