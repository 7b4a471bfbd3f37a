//! `POST /methods/{method}/verifiers/{verification_id}/actions/validate`.

use actix_web::{HttpResponse, web};
use secrecy::SecretString;
use serde::Deserialize;
use tessera_common::dialect::verification::Refusal;
use utoipa::ToSchema;

use super::json::{self, Kind, Need, Reader};
use super::tenant_call::TenantCall;
use super::verification::{Shown, failed, invalid_code, limited, shown};
use crate::actions::attempt::{Judged, attempt};
use crate::domain::verification::Key;
use crate::verify::Verify;

/// A code to be judged.
#[derive(Debug, Deserialize, ToSchema)]
#[expect(
    dead_code,
    reason = "describes the body, which is read by hand: a number is an answer, though never a right one"
)]
pub struct ValidateParams {
    /// The code as it was sent; case counts.
    #[schema(example = "123456")]
    code: String,
}

/// Check a code.
///
/// A right code is spent. The fifth wrong one ends the verification.
#[utoipa::path(
    post, path = "/methods/{method}/verifiers/{verification_id}/actions/validate", tag = "verification",
    request_body = ValidateParams,
    params(
        ("method" = String, Path, description = "`email` or `phone`", example = "email"),
        ("verification_id" = String, Path, description = "The verification's id"),
    ),
    responses(
        (status = 200, description = "The code is right", body = Shown),
        (status = 401, description = "No tenant's access token"),
        (status = 404, description = "No such verification: unknown, expired, used, deleted or exhausted"),
        (status = 406, description = "Accept or Content-Type is not one of this API"),
        (status = 422, description = "The code is wrong, or missing", body = Shown),
        (status = 429, description = "Too many wrong codes for this consumer"),
    )
)]
pub async fn post(verify: web::Data<Verify>, call: TenantCall) -> Result<HttpResponse, Refusal> {
    let answer = answer(&call.body)?;
    let key = Key::of_tenant(&call.tenant.id, call.method, &call.verification_id);
    match attempt(&verify, key, answer.as_ref()).await.map_err(failed)? {
        Judged::Right(verification) => shown(verification),
        Judged::Wrong(verification) => invalid_code(verification),
        Judged::Limited(used_up, _) => Err(limited(used_up)),
        // Only a sibling may know that a code was right once.
        Judged::RightBefore | Judged::Unknown => Err(Refusal::not_found()),
    }
}

/// The answer; `None` for a number, which is one, but never a right one.
fn answer(body: &str) -> Result<Option<SecretString>, Refusal> {
    let mut reader = Reader::default();
    let root = reader.as_object(json::document(body)?, "");
    let raw = root.and_then(|root| reader.member(&root, "code", Need::Required));
    match raw.map(|raw| (Kind::of(raw), raw.get())) {
        Some((Kind::Number, _)) => return Ok(None),
        Some((Kind::Text, text)) => {
            return serde_json::from_str::<String>(text)
                .map(|code| Some(code.into()))
                .map_err(|_| Refusal::not_found());
        }
        Some(_) => reader.wrong("code", "must be a string"),
        None => {}
    }
    Err(Refusal::Invalid(reader.problems()))
}
