//! `POST /methods/{method}/verifiers/{verification_id}/actions/validate`.

use actix_web::{HttpResponse, web};
use secrecy::SecretString;
use serde::Deserialize;
use tessera_common::dialect::verification::Refusal;
use utoipa::ToSchema;

use super::json::{self, Kind, Need, Reader};
use super::tenant_call::TenantCall;
use super::verification::{Shown, codes_left, failed, invalid_code, limited, shown};
use crate::actions::attempt::{Answer, Judged, To, attempt};
use crate::domain::method::Method;
use crate::domain::verification::Key;
use crate::verify::Verify;

/// A code to be judged.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(
    dead_code,
    reason = "describes the body, which is read by hand: a number is an answer, though never a right one"
)]
pub struct ValidateParams {
    /// The code. One that was sent is compared exactly; those of an app or on paper are read as they were meant.
    #[schema(example = "123456")]
    code: String,
    /// `google_auth`, `backup_code`: with a right code, drop the consumer's secret or codes. Only `true` counts.
    #[schema(example = true)]
    remove_secret: Option<bool>,
}

/// Check a code.
///
/// A right code is spent. The fifth wrong one ends the verification.
#[utoipa::path(
    post, path = "/methods/{method}/verifiers/{verification_id}/actions/validate", tag = "verification",
    request_body = ValidateParams,
    params(
        ("method" = String, Path, description = "`email`, `phone`, `google_auth` or `backup_code`", example = "email"),
        ("verification_id" = String, Path, description = "The verification's id"),
    ),
    responses(
        (status = 200, description = "The code is right", body = Shown),
        (status = 401, description = "No tenant's access token"),
        (
            status = 404,
            description = "No such verification: unknown, expired, used, deleted or exhausted; or the consumer has no secret"
        ),
        (status = 406, description = "Accept or Content-Type is not one of this API"),
        (status = 422, description = "The code is wrong, or missing", body = Shown),
        (status = 429, description = "Too many wrong codes for this consumer"),
    )
)]
pub async fn post(verify: web::Data<Verify>, call: TenantCall) -> Result<HttpResponse, Refusal> {
    let given = Given::read(&call.body, call.method)?;
    let key = Key::of_tenant(&call.tenant.id, call.method, &call.verification_id);
    let answer = Answer { code: given.code.as_ref(), removes_secret: given.removes_secret };
    match attempt(&verify, To::Tenants(key), answer).await.map_err(failed)? {
        Judged::Right(verification) => {
            let left = codes_left(&verify, call.method, &verification).await?;
            shown(verification, left)
        }
        Judged::Wrong(verification) => invalid_code(verification),
        Judged::Limited(used_up, _) => Err(limited(used_up)),
        // Only a sibling may know that a code was right once.
        Judged::RightBefore(_) | Judged::Unknown => Err(Refusal::not_found()),
    }
}

struct Given {
    /// `None` is an answer, but never a right one.
    code: Option<SecretString>,
    removes_secret: bool,
}

impl Given {
    fn read(body: &str, method: Method) -> Result<Self, Refusal> {
        let mut reader = Reader::default();
        let root = reader.as_object(json::document(body)?, "");
        let code = root.as_ref().and_then(|root| reader.member(root, "code", Need::Required));
        let code = match code.map(|raw| (Kind::of(raw), raw.get())) {
            // Apps show digits, and clients send them as a number. What was sent or printed is a text.
            Some((Kind::Number, digits)) => Some((method == Method::Authenticator).then(|| digits.to_owned().into())),
            Some((Kind::Text, text)) => serde_json::from_str::<String>(text).ok().map(|code| Some(code.into())),
            Some(_) => {
                reader.wrong("code", "must be a string");
                None
            }
            None => None,
        };
        let removes = root.and_then(|root| root.get("removeSecret")).is_some_and(|value| value.get() == "true");
        code.map(|code| Self { code, removes_secret: removes }).ok_or(Refusal::Invalid(reader.problems()))
    }
}
