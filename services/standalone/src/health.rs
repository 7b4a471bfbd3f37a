//! Whether the process turns, and whether it can work. On the internal listener.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use tessera_common::clock::Clock;
use tessera_common::dialect::{Accident, Dialect, json};
use tessera_storage::clock::MEASURE_EVERY;
use utoipa::ToSchema;

use crate::infrastructure::{Databases, SCHEMAS};

/// How it is.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// `ok`.
    status: &'static str,
}

/// Whether the process turns. Says nothing about what it depends on.
#[utoipa::path(
    get, path = "/health/live", tag = "own",
    responses((status = 200, description = "It turns", body = Health))
)]
pub async fn live() -> HttpResponse {
    json(StatusCode::OK, &Health { status: "ok" })
}

/// Whether requests can be served: the databases answer, their schemas fit, and the clock was measured lately.
#[utoipa::path(
    get, path = "/health/ready", tag = "own",
    responses(
        (status = 200, description = "They can", body = Health),
        (status = 503, description = "Not now"),
    )
)]
pub async fn ready(databases: web::Data<Databases>, clock: web::Data<Clock>) -> HttpResponse {
    for (db, (name, schema)) in databases.all().into_iter().zip(SCHEMAS) {
        if let Err(error) = schema.check(db).await {
            tracing::warn!(%error, context = name, "not ready");
            return Dialect::Problem.answer(&Accident::Unavailable { retry_after: 1 });
        }
    }
    if !clock.measured_within(MEASURE_EVERY * 6) {
        tracing::warn!("not ready: the clock was not measured for a minute");
        return Dialect::Problem.answer(&Accident::Unavailable { retry_after: 1 });
    }
    json(StatusCode::OK, &Health { status: "ok" })
}
