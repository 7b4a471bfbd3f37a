//! `GET /`: what runs here, and where to begin.

use actix_web::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use actix_web::{HttpResponse, web};
use askama::Template;
use tessera_common::dialect::{Accident, Dialect};
use tessera_common::server::Origin;

use crate::Auth;

/// What the page tells of the platform that serves it.
#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    origin: &'a Origin,
    publishable_key: &'a str,
    dev: bool,
    version: &'static str,
}

/// What runs here, and where to begin.
#[utoipa::path(get, path = "/", tag = "own", responses((status = 200, description = "A page")))]
pub async fn get(auth: web::Data<Auth>) -> HttpResponse {
    let home = Home {
        origin: &auth.origin,
        publishable_key: auth.cookies.publishable_key(),
        dev: auth.dev,
        version: env!("CARGO_PKG_VERSION"),
    };
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
