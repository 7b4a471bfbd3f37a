//! `POST /sign_in`.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::{HttpResponse, web};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tessera_common::dialect::accounts::Refusal;
use tessera_common::dialect::json as answer;
use tessera_common::server::{Body, Caller};
use tessera_contracts::call::Failure;
use tessera_contracts::sessions::{Entry, FactorKind, SessionBegun, SignInOutcome};
use utoipa::ToSchema;

use super::accounts::{Param, time};
use crate::actions::sign_in::{SignIn, SignedIn, sign_in};
use crate::auth::Auth;
use crate::domain::user::User;

const SESSION_TOKEN: HeaderName = HeaderName::from_static("x-session-token");
const INCORRECT: &str = "That email or password is incorrect";

/// What to give to sign in.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct SignInParams {
    /// The mail address.
    #[serde(default)]
    #[schema(value_type = String, example = "ada@example.org")]
    email: Param,
    /// The password.
    #[serde(default)]
    #[schema(value_type = String, example = "Secret1*2*3*4*5*6")]
    password: Param,
}

/// The session that began.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountsSessionBegun)]
pub struct SessionView<'a> {
    /// Its number.
    id: i64,
    /// The user's number.
    user_id: i64,
    /// The `User-Agent` of this request.
    user_agent: Option<&'a str>,
    /// The address of this request.
    ip_address: String,
    /// When it began.
    #[schema(example = "2026-03-04T17:20:33.632Z")]
    created_at: String,
    /// When it last changed.
    #[schema(example = "2026-03-04T17:20:33.632Z")]
    updated_at: String,
}

/// Sign in with a password.
///
/// Each sign-in is a session of its own. Its token is in `X-Session-Token`: send it as `Authorization: Bearer`. Wrong password,
/// unknown address and missing fields are one answer.
#[utoipa::path(
    post, path = "/sign_in", tag = "accounts", request_body = SignInParams,
    responses(
        (status = 201, description = "A session began; its token is in X-Session-Token", body = SessionView),
        (status = 202, description = "The password was right and a second factor is due", body = Object),
        (status = 401, description = "That email or password is incorrect"),
        (status = 429, description = "Too many attempts"),
    )
)]
pub async fn post(auth: web::Data<Auth>, caller: Caller, body: Body) -> Result<HttpResponse, Refusal> {
    auth.limits.passwords.count(&caller).await?;
    let params: SignInParams = body.json_or_form()?;
    let given = SignIn {
        identifier: params.email.text(),
        password: params.password.text().into(),
        entry: Entry::Api,
        credential: None,
        application: None,
    };
    match sign_in(&auth, given, &caller).await.map_err(Failure::accident)? {
        SignedIn::Begun(user, SignInOutcome::Complete(session)) => Ok(begun(&user, session, &caller)),
        SignedIn::Begun(_, SignInOutcome::NeedsSecondFactor { demanded, challenge_token, .. }) => {
            let token = challenge_token.as_ref().map(|token| token.expose_secret());
            let methods: Vec<&str> = demanded.iter().map(|kind| method(*kind)).collect();
            let due = json!({ "challenge_token": token, "expires_in": 600, "methods": methods, "destinations": {} });
            Ok(answer(StatusCode::ACCEPTED, &due))
        }
        SignedIn::Limited(limited) => Err(Refusal::Limited(limited)),
        SignedIn::Wrong | SignedIn::Begun(..) => Err(Refusal::Sentence(StatusCode::UNAUTHORIZED, INCORRECT)),
    }
}

fn begun(user: &User, session: SessionBegun, caller: &Caller) -> HttpResponse {
    let view = SessionView {
        id: session.number,
        user_id: user.number,
        user_agent: caller.user_agent.as_deref(),
        ip_address: caller.address.to_string(),
        created_at: time(session.started_at),
        updated_at: time(session.started_at),
    };
    let mut response = answer(StatusCode::CREATED, &view);
    let token = session.session_token.as_ref().and_then(|token| HeaderValue::from_str(token.expose_secret()).ok());
    if let Some(token) = token {
        response.headers_mut().insert(SESSION_TOKEN, token);
    }
    response
}

/// The accounts API's names of second factors.
const fn method(kind: FactorKind) -> &'static str {
    match kind {
        FactorKind::Totp => "totp",
        FactorKind::BackupCode => "recovery_codes",
        FactorKind::PhoneCode => "sms",
        FactorKind::EmailCode => "email",
        FactorKind::Device => "device",
        FactorKind::Password => "password",
    }
}
