//! Whether the process turns, and whether it can work. On the internal listener.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use tessera_common::clock::Clock;
use tessera_common::dialect::{Accident, Dialect, json};
use tessera_storage::clock::MEASURE_EVERY;
use tessera_storage::{Db, Migrations};
use utoipa::ToSchema;

/// The database of one context, and the schema it must have.
#[derive(Clone, Debug)]
pub struct Schema {
    /// The context.
    pub name: &'static str,
    /// Its database.
    pub db: Db,
    /// What it must have.
    pub migrations: &'static Migrations,
}

/// What being ready depends on.
#[derive(Clone, Debug)]
pub struct Readiness {
    schemas: Arc<[Schema]>,
    stopping: Arc<AtomicBool>,
}

impl Readiness {
    /// Ready while these answer.
    #[must_use]
    pub fn of(schemas: Vec<Schema>) -> Self {
        Self { schemas: schemas.into(), stopping: Arc::default() }
    }

    /// The databases.
    pub fn databases(&self) -> impl Iterator<Item = &Db> {
        self.schemas.iter().map(|schema| &schema.db)
    }

    /// From now on it is not ready: balancers shall look elsewhere.
    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }
}

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

/// Whether requests can be served: the databases answer, their schemas fit, the clock was measured lately, and no stop was asked for.
#[utoipa::path(
    get, path = "/health/ready", tag = "own",
    responses(
        (status = 200, description = "They can", body = Health),
        (status = 503, description = "Not now"),
    )
)]
pub async fn ready(readiness: web::Data<Readiness>, clock: web::Data<Clock>) -> HttpResponse {
    match unready(&readiness, &clock).await {
        None => json(StatusCode::OK, &Health { status: "ok" }),
        Some(reason) => {
            tracing::warn!(reason, "not ready");
            Dialect::Problem.answer(&Accident::Unavailable { retry_after: 1 })
        }
    }
}

async fn unready(readiness: &Readiness, clock: &Clock) -> Option<String> {
    if readiness.stopping.load(Ordering::Relaxed) {
        return Some("a stop was asked for".to_owned());
    }
    for Schema { name, db, migrations } in readiness.schemas.iter() {
        if let Err(error) = migrations.check(db).await {
            return Some(format!("{name}: {error}"));
        }
    }
    (!clock.measured_within(MEASURE_EVERY * 6)).then(|| "the clock was not measured for a minute".to_owned())
}
