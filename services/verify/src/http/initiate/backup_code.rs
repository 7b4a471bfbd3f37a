//! Starting a verification by backup code.

use actix_web::HttpResponse;
use secrecy::ExposeSecret as _;
use tessera_common::dialect::verification::Refusal;

use super::without_code;
use crate::actions::backup_codes;
use crate::actions::open_without_code::WithoutCode;
use crate::domain::method::Method;
use crate::http::tenant_call::TenantCall;
use crate::http::verification::{Extra, started_with};
use crate::verify::Verify;

/// Answers the verification with what is left, and the codes of a new set.
pub async fn initiate(verify: &Verify, call: &TenantCall) -> Result<HttpResponse, Refusal> {
    let (given, regenerate) = read(&call.body)?;
    let (verification, codes) = backup_codes::initiate(verify, &call.tenant.id, regenerate, given).await?;
    let shown = |code: &secrecy::SecretString| code.expose_secret().to_owned();
    let extra = Extra {
        backup_codes: codes.new.map(|new| new.iter().map(shown).collect()),
        backup_codes_left: Some(codes.left),
        ..Extra::default()
    };
    started_with(verification, extra)
}

/// What is given, and whether a set gives way to a new one.
///
/// # Errors
/// Every problem at once.
pub fn read(body: &str) -> Result<(WithoutCode, bool), Refusal> {
    without_code::read(body, Method::BackupCode, |_, root| {
        // Only `true` counts: whoever sends anything else keeps their codes.
        Some(root.get("regenerate").is_some_and(|value| value.get() == "true"))
    })
}
