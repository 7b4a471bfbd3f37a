//! `GET /metrics`: the numbers of this process, for a scraper. For internal listeners only.

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_TYPE;

use crate::dialect::{Accident, Dialect};
use crate::telemetry;

/// The numbers of this process in Prometheus' text form.
#[utoipa::path(
    get, path = "/metrics", tag = "own",
    responses((status = 200, description = "Every series", body = String, content_type = "text/plain"))
)]
pub async fn get() -> HttpResponse {
    match telemetry::prometheus_text() {
        Ok(text) => {
            HttpResponse::Ok().insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")).body(text)
        }
        Err(error) => Dialect::Problem.answer(&Accident::Internal(Box::new(error))),
    }
}
