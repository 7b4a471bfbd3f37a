//! `POST /methods/{method}/actions/initiate`.

pub mod authenticator;
pub mod backup_code;
pub mod without_code;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use tessera_common::dialect::verification::{Detail, Refusal};

use super::initiate_params::{self, InitiateParams};
use super::tenant_call::TenantCall;
use super::verification::{Started, failed, limited, started};
use crate::actions::initiate::{CodeRule, InitiateError, by_message};
use crate::domain::message::Channel;
use crate::domain::method::Method;
use crate::domain::verification::Verification;
use crate::verify::Verify;

/// Start a verification.
///
/// A code that is sent is on its way to the consumer once this has answered, and is in no answer. Nothing is sent for `google_auth`
/// and `backup_code`: whoever has no secret or codes yet is given them here, once.
#[utoipa::path(
    post, path = "/methods/{method}/actions/initiate", tag = "verification", request_body = InitiateParams,
    params(
        ("method" = String, Path, description = "`email`, `phone`, `google_auth` or `backup_code`", example = "email"),
        authenticator::InitiateQuery,
    ),
    responses(
        (status = 200, description = "The verification was started", body = Started),
        (status = 401, description = "No tenant's access token"),
        (status = 403, description = "`forcedCode` without the scope `verify:forced_code`"),
        (status = 404, description = "The method is not supported"),
        (status = 406, description = "Accept or Content-Type is not one of this API"),
        (status = 422, description = "Every problem with the request"),
        (status = 429, description = "Too many messages to this recipient, or too many text messages"),
    )
)]
pub async fn post(verify: web::Data<Verify>, call: TenantCall, request: HttpRequest) -> Result<HttpResponse, Refusal> {
    let opened = match call.method {
        Method::Email => message(&verify, &call, Channel::Email).await?,
        Method::Phone => message(&verify, &call, Channel::Sms).await?,
        Method::Authenticator => return authenticator::initiate(&verify, &call, request.query_string()).await,
        Method::BackupCode => return backup_code::initiate(&verify, &call).await,
    };
    started(opened)
}

async fn message(verify: &Verify, call: &TenantCall, channel: Channel) -> Result<Verification, Refusal> {
    let given = initiate_params::by_message(&call.body, channel, &verify.settings.sms.allowed_prefixes)?;
    if matches!(given.code, CodeRule::Forced(_)) && !call.tenant.may_force_code {
        return Err(Refusal::Error(StatusCode::FORBIDDEN, "Forbidden"));
    }
    Ok(by_message(verify, &call.tenant.id, given).await?)
}

impl From<InitiateError> for Refusal {
    fn from(error: InitiateError) -> Self {
        match error {
            InitiateError::OtherConsumer => Self::Invalid(vec![Detail {
                path: "policy.forcedVerificationId",
                error: "belongs to another consumer",
            }]),
            InitiateError::Limited(used_up) => limited(used_up),
            InitiateError::Failed(failure) => failed(failure),
        }
    }
}
