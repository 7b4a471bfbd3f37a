//! Starting a verification by authenticator app.

use actix_web::{HttpResponse, web};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use tessera_common::dialect::Accident;
use tessera_common::dialect::verification::Refusal;
use utoipa::IntoParams;

use super::without_code;
use crate::actions::authenticators;
use crate::actions::open_without_code::WithoutCode;
use crate::domain::method::Method;
use crate::http::json::Reader;
use crate::http::qr::{self, Form};
use crate::http::tenant_call::TenantCall;
use crate::http::verification::{Extra, started_with};
use crate::verify::Verify;

/// What an answer has besides.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct InitiateQuery {
    /// `google_auth`: beside `totpUri` also its picture, as a data URI: `svg` or `png`.
    #[param(example = "svg")]
    qr: Option<String>,
}

/// Answers the verification, and to a consumer without a confirmed secret the link for their app.
pub async fn initiate(verify: &Verify, call: &TenantCall, query: &str) -> Result<HttpResponse, Refusal> {
    let (given, (issuer, form)) = read(&call.body, query)?;
    let (verification, uri) = authenticators::initiate(verify, &call.tenant.id, &issuer, given).await?;
    let uri = uri.as_ref().map(|uri| uri.expose_secret());
    let picture = uri.zip(form).map(|(uri, form)| qr::data_uri(uri, form)).transpose();
    let extra = Extra {
        totp_uri: uri.map(ToOwned::to_owned),
        qr: picture.map_err(|error| Accident::Internal(error.into()))?,
        ..Extra::default()
    };
    started_with(verification, extra)
}

/// What is given.
///
/// # Errors
/// Every problem at once.
pub fn read(body: &str, query: &str) -> Result<(WithoutCode, (String, Option<Form>)), Refusal> {
    without_code::read(body, Method::Authenticator, |reader, root| {
        let issuer = without_code::name(reader, root, "issuer");
        let form = form(reader, query);
        Some((issuer?, form?))
    })
}

/// `None` is a problem, `Some(None)` no picture.
#[expect(clippy::option_option, reason = "whether there is a problem, and whether a picture is wanted")]
fn form(reader: &mut Reader, query: &str) -> Option<Option<Form>> {
    let asked = match web::Query::<InitiateQuery>::from_query(query) {
        Ok(query) => query.into_inner().qr,
        Err(_) => Some(String::new()),
    };
    let Some(name) = asked else { return Some(None) };
    let form = Form::named(&name);
    if form.is_none() {
        reader.wrong("qr", "must be svg or png");
    }
    form.map(Some)
}
