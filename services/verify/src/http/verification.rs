//! A verification as tenants see it.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;
use serde_json::value::RawValue;
use tessera_common::dialect::verification::{Refusal, answer};
use tessera_common::dialect::{Accident, Limited as Said};
use tessera_contracts::call::Failure;
use utoipa::ToSchema;

use crate::domain::counting::Limited;
use crate::domain::verification::Verification;

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
    data: VerificationView,
}

/// An answer with the fields at the top.
pub fn started(verification: Verification) -> Result<HttpResponse, Refusal> {
    Ok(answer(StatusCode::OK, Started { status: 200, verification: verification.try_into()? }))
}

/// An answer with the fields in `data`.
pub fn shown(verification: Verification) -> Result<HttpResponse, Refusal> {
    Ok(answer(StatusCode::OK, Shown { status: 200, error: None, data: verification.try_into()? }))
}

/// The answer to a wrong code.
pub fn invalid_code(verification: Verification) -> Result<HttpResponse, Refusal> {
    let data = verification.try_into()?;
    Ok(answer(StatusCode::UNPROCESSABLE_ENTITY, Shown { status: 422, error: Some("Invalid code"), data }))
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
