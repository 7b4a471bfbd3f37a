//! `GET /`: what runs here, and where to begin.

use actix_web::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use actix_web::{HttpResponse, web};
use askama::Template;
use tessera_common::dialect::{Accident, Dialect};

/// What the page tells of the platform that serves it.
#[derive(Clone, Debug, Template)]
#[template(path = "home.html")]
pub struct Home {
    /// Where browsers reach it.
    pub origin: String,
    /// What client libraries are configured with.
    pub publishable_key: String,
    /// Whether this is a person's own machine.
    pub dev: bool,
    /// The release.
    pub version: &'static str,
}

/// What runs here, and where to begin.
#[utoipa::path(get, path = "/", tag = "own", responses((status = 200, description = "A page")))]
pub async fn get(home: web::Data<Home>) -> HttpResponse {
    match home.render() {
        Ok(page) => HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
            .insert_header((
                CONTENT_SECURITY_POLICY,
                "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
            ))
            .insert_header((REFERRER_POLICY, "no-referrer"))
            .body(page),
        Err(error) => Dialect::Problem.answer(&Accident::Internal(Box::new(error))),
    }
}
