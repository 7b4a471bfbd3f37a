//! `PUT /password`, and the same by `PATCH`.

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use tessera_common::dialect::accounts::{Problems, Refusal};
use tessera_common::dialect::json;
use tessera_common::server::{Body, Caller};
use utoipa::ToSchema;

use super::accounts::{Param, UserView, invalid};
use super::caller::SignedIn;
use crate::actions::change_password::{ChangePassword, ChangePasswordError, change_password};
use crate::auth::Auth;

/// What to give to change a password.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct PasswordParams {
    /// The present password.
    #[serde(default)]
    #[schema(value_type = String, example = "Secret1*2*3*4*5*6")]
    current_password: Param,
    /// The same under its later name; a wrong one is then a 422.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    password_challenge: Option<Param>,
    /// The new password.
    #[serde(default)]
    #[schema(value_type = String, example = "NewPassword12$34$56$7")]
    password: Param,
    /// The new password again; not compared when absent.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "NewPassword12$34$56$7")]
    password_confirmation: Param,
}

/// Change the password.
///
/// Every other session of the user ends; the one in use goes on with the same token. The present password is judged first.
#[utoipa::path(
    put, path = "/password", tag = "accounts", security(("session_token" = [])), request_body = PasswordParams,
    responses(
        (status = 200, description = "The user", body = UserView),
        (status = 400, description = "The current password you entered is incorrect"),
        (status = 401, description = "No session token, or one that is worth nothing"),
        (status = 422, description = "The new password does not do: attribute to messages"),
        (status = 429, description = "Too many attempts"),
    )
)]
pub async fn put(
    auth: web::Data<Auth>,
    signed_in: SignedIn,
    caller: Caller,
    body: Body,
) -> Result<HttpResponse, Refusal> {
    let params: PasswordParams = body.json_or_form()?;
    let challenged = params.password_challenge.is_some();
    let given = ChangePassword {
        credential: signed_in.credential,
        current: params.password_challenge.unwrap_or(params.current_password).text().into(),
        password: params.password.text().into(),
        password_confirmation: params.password_confirmation.given().map(Into::into),
    };
    let user =
        change_password(&auth, &signed_in.session, given, &caller).await.map_err(|error| refusal(error, challenged))?;
    Ok(json(StatusCode::OK, &UserView::from(user)))
}

/// Change the password, as by `PUT`.
#[utoipa::path(
    patch, path = "/password", tag = "accounts", security(("session_token" = [])), request_body = PasswordParams,
    responses((status = 200, description = "The user", body = UserView), (status = 400, description = "As by PUT"))
)]
pub async fn patch(
    auth: web::Data<Auth>,
    signed_in: SignedIn,
    caller: Caller,
    body: Body,
) -> Result<HttpResponse, Refusal> {
    put(auth, signed_in, caller, body).await
}

fn refusal(error: ChangePasswordError, challenged: bool) -> Refusal {
    match error {
        ChangePasswordError::WrongCurrent if challenged => {
            Refusal::Invalid(Problems::one("password_challenge", "is invalid"))
        }
        ChangePasswordError::WrongCurrent => {
            Refusal::Sentence(StatusCode::BAD_REQUEST, "The current password you entered is incorrect")
        }
        ChangePasswordError::SessionOver => Refusal::Unauthenticated,
        ChangePasswordError::Limited(limited) => Refusal::Limited(limited),
        ChangePasswordError::Invalid(problems) => invalid(&problems),
        ChangePasswordError::Failed(failure) => failure.accident().into(),
    }
}
