//! `/methods/{method}/verifiers/{verification_id}`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde_json::json;
use tessera_common::dialect::verification::{Refusal, answer};

use super::tenant_call::TenantCall;
use super::verification::{Shown, codes_left, failed, shown};
use crate::actions::{delete as end, find};
use crate::domain::verification::Key;
use crate::verify::Verify;

/// Read a verification.
#[utoipa::path(
    get, path = "/methods/{method}/verifiers/{verification_id}", tag = "verification",
    params(
        ("method" = String, Path, description = "`email`, `phone`, `google_auth` or `backup_code`", example = "email"),
        ("verification_id" = String, Path, description = "The verification's id"),
    ),
    responses(
        (status = 200, description = "The verification", body = Shown),
        (status = 401, description = "No tenant's access token"),
        (status = 404, description = "No such verification"),
        (status = 406, description = "Accept is not one of this API"),
    )
)]
pub async fn get(verify: web::Data<Verify>, call: TenantCall) -> Result<HttpResponse, Refusal> {
    let key = Key::of_tenant(&call.tenant.id, call.method, &call.verification_id);
    let verification = find::find(&verify, key).await.map_err(failed)?.ok_or(Refusal::not_found())?;
    let left = codes_left(&verify, call.method, &verification).await?;
    shown(verification, left)
}

/// Invalidate a verification.
#[utoipa::path(
    delete, path = "/methods/{method}/verifiers/{verification_id}", tag = "verification",
    params(
        ("method" = String, Path, description = "`email`, `phone`, `google_auth` or `backup_code`", example = "email"),
        ("verification_id" = String, Path, description = "The verification's id"),
    ),
    responses(
        (status = 200, description = "It is not valid any more"),
        (status = 401, description = "No tenant's access token"),
        (status = 404, description = "No such verification"),
        (status = 406, description = "Accept is not one of this API"),
    )
)]
pub async fn delete(verify: web::Data<Verify>, call: TenantCall) -> Result<HttpResponse, Refusal> {
    let key = Key::of_tenant(&call.tenant.id, call.method, &call.verification_id);
    if end::delete(&verify, key).await.map_err(failed)? {
        Ok(answer(StatusCode::OK, json!({ "status": 200 })))
    } else {
        Err(Refusal::not_found())
    }
}
