//! `POST /methods/{method}/actions/resend`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use tessera_common::dialect::verification::{Detail, Refusal};

use super::common_params::INVALID_LIFETIME;
use super::consumer::not_supported;
use super::initiate;
use super::initiate_params::{self, InitiateParams};
use super::tenant_call::TenantCall;
use super::verification::{Started, failed, limited, started};
use crate::actions::resend::{ResendError, resend};
use crate::domain::message::Channel;
use crate::domain::method::Method;
use crate::verify::Verify;

/// Send a code again.
///
/// The code, its generation and its wrong answers stay; the deadline moves. `policy.forcedVerificationId` names the verification, and
/// `generateCode` and `policy.forcedCode` change nothing. It goes to whom the first message went: for somebody else start another
/// verification.
#[utoipa::path(
    post, path = "/methods/{method}/actions/resend", tag = "verification", request_body = InitiateParams,
    params(("method" = String, Path, description = "`email` or `phone`", example = "email")),
    responses(
        (status = 200, description = "The code is on its way again", body = Started),
        (status = 401, description = "No tenant's access token"),
        (status = 403, description = "The new lifetime ends too soon after the present one"),
        (status = 404, description = "The method is not supported, or there is no such verification alive"),
        (status = 406, description = "Accept or Content-Type is not one of this API"),
        (status = 422, description = "Every problem with the request, or another consumer than the verification's"),
        (status = 429, description = "Too many messages to this recipient, or too many text messages"),
    )
)]
pub async fn post(verify: web::Data<Verify>, call: TenantCall) -> Result<HttpResponse, Refusal> {
    let channel = match call.method {
        Method::Email => Channel::Email,
        Method::Phone => Channel::Sms,
        // Nothing was sent. Whoever sends what could not start a verification either is told that.
        Method::Authenticator => {
            initiate::authenticator::read(&call.body, "")?;
            return Err(not_supported(call.method));
        }
        Method::BackupCode => {
            initiate::backup_code::read(&call.body)?;
            return Err(not_supported(call.method));
        }
    };
    let again = initiate_params::again(&call.body, channel, &verify.settings.sms.allowed_prefixes)?;
    started(resend(&verify, &call.tenant.id, again).await?)
}

impl From<ResendError> for Refusal {
    fn from(error: ResendError) -> Self {
        let invalid = |path, error| Self::Invalid(vec![Detail { path, error }]);
        match error {
            ResendError::NotFound => Self::Error(StatusCode::NOT_FOUND, "Verification data not found"),
            ResendError::OtherConsumer => invalid("consumer", "is not the consumer of this verification"),
            ResendError::Lifetime => invalid("policy.expiredOn", INVALID_LIFETIME),
            ResendError::TooSoon => Self::Error(StatusCode::FORBIDDEN, "Time of last send not yet pass"),
            ResendError::TooLong => invalid("template.body", initiate_params::TOO_LONG),
            ResendError::Limited(used_up) => limited(used_up),
            ResendError::Failed(failure) => failed(failure),
        }
    }
}
