//! `POST /methods/{method}/actions/status` and `/remove`: what a consumer has, apart from any verification. Who it is stands in the
//! body, for addresses stay out of URLs.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tessera_common::dialect::verification::{Detail, Refusal, answer};
use utoipa::ToSchema;

use super::initiate::without_code::name;
use super::json::{self, Reader};
use super::tenant_call::TenantCall;
use super::verification::failed;
use crate::actions::consumer::{self, Standing};
use crate::domain::method::Method;
use crate::domain::verification::Owner;
use crate::verify::Verify;

/// Who is meant.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(dead_code, reason = "describes the body, which is read by hand so that every problem is told")]
pub struct ConsumerParams {
    /// The tenant's name for its user.
    #[schema(example = "test@test.com")]
    consumer: String,
}

/// What a consumer has.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConsumerStatus {
    /// The HTTP status.
    #[schema(example = 200)]
    status: u16,
    data: ConsumerView,
}

/// A consumer, whether known or not.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsumerView {
    /// As it was asked for.
    #[schema(example = "test@test.com")]
    consumer: String,
    /// Whether there is a confirmed authenticator, or a set of codes.
    enrolled: bool,
    /// `backup_code`: how many were not used yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 9)]
    backup_codes_left: Option<i64>,
}

/// What a consumer has.
///
/// Of one who is not known: nothing.
#[utoipa::path(
    post, path = "/methods/{method}/actions/status", tag = "verification", request_body = ConsumerParams,
    params(("method" = String, Path, description = "`google_auth` or `backup_code`", example = "google_auth")),
    responses(
        (status = 200, description = "What there is", body = ConsumerStatus),
        (status = 401, description = "No tenant's access token"),
        (status = 404, description = "The method is not supported"),
        (status = 406, description = "Accept or Content-Type is not one of this API"),
        (status = 422, description = "Every problem with the request, or a method that keeps nothing"),
    )
)]
pub async fn post_status(verify: web::Data<Verify>, call: TenantCall) -> Result<HttpResponse, Refusal> {
    let consumer = read(&call)?;
    let owner = Owner { tenant: &call.tenant.id, consumer: &consumer };
    let standing = consumer::standing(&verify, call.method, owner).await.map_err(failed)?;
    let (enrolled, backup_codes_left) = match standing.ok_or_else(|| not_supported(call.method))? {
        Standing::Authenticator { enrolled } => (enrolled, None),
        Standing::BackupCodes { left } => (left.is_some(), Some(left.unwrap_or(0))),
    };
    let data = ConsumerView { consumer, enrolled, backup_codes_left };
    Ok(answer(StatusCode::OK, ConsumerStatus { status: 200, data }))
}

/// Drop a consumer's secret or codes.
///
/// For a lost phone: no code is asked for, so the caller has made sure who asks.
#[utoipa::path(
    post, path = "/methods/{method}/actions/remove", tag = "verification", request_body = ConsumerParams,
    params(("method" = String, Path, description = "`google_auth` or `backup_code`", example = "google_auth")),
    responses(
        (status = 200, description = "There is none any more"),
        (status = 401, description = "No tenant's access token"),
        (status = 404, description = "There was none; or the method is not supported"),
        (status = 406, description = "Accept or Content-Type is not one of this API"),
        (status = 422, description = "Every problem with the request, or a method that keeps nothing"),
    )
)]
pub async fn post_remove(verify: web::Data<Verify>, call: TenantCall) -> Result<HttpResponse, Refusal> {
    let consumer = read(&call)?;
    let owner = Owner { tenant: &call.tenant.id, consumer: &consumer };
    match consumer::remove(&verify, call.method, owner).await.map_err(failed)? {
        Some(true) => Ok(answer(StatusCode::OK, json!({ "status": 200 }))),
        Some(false) => Err(Refusal::not_found()),
        None => Err(not_supported(call.method)),
    }
}

fn read(call: &TenantCall) -> Result<String, Refusal> {
    let mut reader = Reader::default();
    let root = reader.as_object(json::document(&call.body)?, "");
    let consumer = root.and_then(|root| name(&mut reader, &root, "consumer"));
    consumer.ok_or(Refusal::Invalid(reader.problems()))
}

/// An action that a method does not have.
pub fn not_supported(method: Method) -> Refusal {
    let error = match method {
        Method::Email => "email not supported",
        Method::Phone => "phone not supported",
        Method::Authenticator => "google_auth not supported",
        Method::BackupCode => "backup_code not supported",
    };
    Refusal::Invalid(vec![Detail { path: "method", error }])
}
