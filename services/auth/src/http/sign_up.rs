//! `POST /sign_up`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use tessera_common::dialect::accounts::Refusal;
use tessera_common::dialect::json;
use tessera_common::server::{Body, Caller};
use utoipa::ToSchema;

use super::accounts::{Param, UserView, invalid};
use crate::actions::sign_up::{SignUp, SignUpError, sign_up};
use crate::auth::Auth;

/// What to give for an account.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct SignUpParams {
    /// The mail address.
    #[serde(default)]
    #[schema(value_type = String, example = "ada@example.org")]
    email: Param,
    /// At least 12 characters, at most 128 bytes.
    #[serde(default)]
    #[schema(value_type = String, example = "Secret1*2*3*4*5*6")]
    password: Param,
    /// The password again; not compared when absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "Secret1*2*3*4*5*6")]
    password_confirmation: Param,
}

/// Make an account.
///
/// A mail with a link that verifies the address is on its way once this has answered. No session is opened.
#[utoipa::path(
    post, path = "/sign_up", tag = "accounts", request_body = SignUpParams,
    responses(
        (status = 201, description = "The account was made", body = UserView),
        (status = 422, description = "What was given does not do: attribute to messages"),
        (status = 429, description = "Too many from this address"),
    )
)]
pub async fn post(auth: web::Data<Auth>, caller: Caller, body: Body) -> Result<HttpResponse, Refusal> {
    auth.limits.mails.count(&caller).await?;
    let params: SignUpParams = body.json_or_form()?;
    let given = SignUp {
        email: params.email.text(),
        password: params.password.text().into(),
        password_confirmation: params.password_confirmation.given().map(Into::into),
    };
    let user = sign_up(&auth, given, &caller).await?;
    Ok(json(StatusCode::CREATED, &UserView::from(user)))
}

impl From<SignUpError> for Refusal {
    fn from(error: SignUpError) -> Self {
        match error {
            SignUpError::Invalid(problems) => invalid(&problems),
            SignUpError::Failed(failure) => failure.accident().into(),
        }
    }
}
