//! A verification as tenants see it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;
use tessera_common::dialect::verification::{Refusal, answer};
use tessera_common::dialect::{Accident, Limited as Said};
use tessera_contracts::call::Failure;
use utoipa::ToSchema;

use crate::actions::backup_codes;
use crate::domain::counting::Limited;
use crate::domain::method::Method;
use crate::domain::verification::Verification;
use crate::verify::Verify;

/// A verification. Its code is in no answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Verification)]
pub struct VerificationView {
    /// Its id, as it was given or made.
    #[schema(example = "dc910ae0-7c67-4ace-8ebb-9edd4b5d8b0f")]
    verification_id: String,
    /// Who is to prove it.
    #[schema(example = "test@test.com")]
    consumer: String,
    /// When it ends, in Unix seconds.
    #[schema(example = 1_505_817_462)]
    expired_on: i64,
    /// What was given at its start, unchanged; absent if nothing was.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    payload: Option<Box<RawValue>>,
    /// Wrong answers so far.
    attempts: i64,
}

impl TryFrom<Verification> for VerificationView {
    type Error = Refusal;

    fn try_from(verification: Verification) -> Result<Self, Refusal> {
        let payload = verification.payload.map(RawValue::from_string).transpose();
        Ok(Self {
            verification_id: verification.id,
            consumer: verification.consumer,
            expired_on: verification.deadline.timestamp(),
            payload: payload.map_err(|error| Accident::Internal(error.into()))?,
            attempts: verification.attempts,
        })
    }
}

/// A verification at the top level of an answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct Started {
    /// The HTTP status.
    #[schema(example = 200)]
    status: u16,
    #[serde(flatten)]
    verification: VerificationView,
    #[serde(flatten)]
    extra: Extra,
}

/// What some methods answer besides. Secrets are told here, once.
#[derive(Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Extra {
    /// `google_auth`: the link for an authenticator app, only for a consumer who has not confirmed a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        example = "otpauth://totp/Example:test@test.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example&algorithm=SHA1&digits=6&period=30"
    )]
    pub totp_uri: Option<String>,
    /// The same as a picture in a data URI, if `?qr=` asked for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "data:image/svg+xml;base64,PHN2Zy8+")]
    pub qr: Option<String>,
    /// `backup_code`: the ten codes of a new set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = json!(["0h3jk8m2np"]))]
    pub backup_codes: Option<Vec<String>>,
    /// `backup_code`: how many were not used yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 10)]
    pub backup_codes_left: Option<i64>,
}

impl std::fmt::Debug for Extra {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Extra")
    }
}

/// A verification in `data`.
#[derive(Debug, Serialize, ToSchema)]
pub struct Shown {
    /// The HTTP status.
    #[schema(example = 200)]
    status: u16,
    /// `Invalid code`, if that is so.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    /// The verification as it is now.
    data: ShownView,
}

/// A verification, with what its method knows besides.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownView {
    #[serde(flatten)]
    verification: VerificationView,
    /// `backup_code`: how many codes were not used yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 9)]
    backup_codes_left: Option<i64>,
}

/// An answer with the fields at the top.
pub fn started(verification: Verification) -> Result<HttpResponse, Refusal> {
    started_with(verification, Extra::default())
}

/// The same, with what the method answers besides.
pub fn started_with(verification: Verification, extra: Extra) -> Result<HttpResponse, Refusal> {
    Ok(answer(StatusCode::OK, Started { status: 200, verification: verification.try_into()?, extra }))
}

/// An answer with the fields in `data`.
pub fn shown(verification: Verification, backup_codes_left: Option<i64>) -> Result<HttpResponse, Refusal> {
    let data = ShownView { verification: verification.try_into()?, backup_codes_left };
    Ok(answer(StatusCode::OK, Shown { status: 200, error: None, data }))
}

/// The answer to a wrong code.
pub fn invalid_code(verification: Verification) -> Result<HttpResponse, Refusal> {
    let data = ShownView { verification: verification.try_into()?, backup_codes_left: None };
    Ok(answer(StatusCode::UNPROCESSABLE_ENTITY, Shown { status: 422, error: Some("Invalid code"), data }))
}

/// How many codes the consumer has left, for the method that has codes.
pub async fn codes_left(verify: &Verify, method: Method, verification: &Verification) -> Result<Option<i64>, Refusal> {
    if method != Method::BackupCode {
        return Ok(None);
    }
    let left = backup_codes::left(verify, verification.owner()).await.map_err(failed)?;
    Ok(Some(left.map_or(0, |(left, _)| left)))
}

/// A used-up quota in this API's words.
pub fn limited(limited: Limited) -> Refusal {
    Accident::RateLimited(Said {
        retry_after: limited.retry_after(),
        quota: u32::try_from(limited.quota.most).unwrap_or(u32::MAX),
        window: u32::try_from(limited.quota.window.num_seconds()).unwrap_or(u32::MAX),
    })
    .into()
}

/// A failure in this API's words.
pub fn failed(failure: Failure) -> Refusal {
    failure.accident().into()
}
