//! `POST /auth/login`.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, SET_COOKIE};
use actix_web::{HttpRequest, HttpResponse, web};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use tessera_common::dialect::identity::Refusal;
use tessera_common::dialect::{Accident, json as answer};
use tessera_common::server::{Body, Caller, OneCookie, SameOrigin, one_cookie};
use tessera_contracts::call::Failure;
use tessera_contracts::oauth::{Application, FirstPartyToken};
use tessera_contracts::sessions::{Credential, Entry, SignInOutcome};
use tessera_tokens::client_cookie::CLIENT;
use utoipa::{IntoParams, ToSchema};

use crate::actions::log_in::{LoggedIn, log_in};
use crate::actions::sign_in::{SignIn, SignedIn};
use crate::auth::Auth;
use crate::domain::user::User;

/// For which application.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LoginQuery {
    /// The application; the default one when absent.
    #[serde(rename = "applicationId")]
    #[param(rename = "applicationId")]
    application_id: Option<String>,
}

/// Who signs in.
#[derive(Debug, Deserialize, ToSchema)]
pub struct LoginBody {
    /// The mail address.
    #[serde(default)]
    #[schema(example = "ada@example.org")]
    username: String,
    /// The password.
    #[serde(default)]
    #[schema(value_type = String, example = "Secret1*2*3*4*5*6")]
    password: SecretString,
}

/// Sign a browser in with a password.
///
/// Sets the client cookie. A first-party application gets an access token with the answer. Unknown user and wrong password are one
/// answer.
#[utoipa::path(
    post, path = "/auth/login", tag = "identity", params(LoginQuery), request_body = LoginBody,
    responses(
        (status = 200, description = "Signed in, or a second factor is due (`mfaRequired`)", body = Object),
        (status = 400, description = "Invalid credentials"),
        (status = 404, description = "No such application"),
        (status = 429, description = "Too many attempts"),
    )
)]
pub async fn post(
    auth: web::Data<Auth>,
    _: SameOrigin,
    request: HttpRequest,
    caller: Caller,
    body: Body,
) -> Result<HttpResponse, Refusal> {
    auth.limits.passwords.count(&caller).await?;
    let query = web::Query::<LoginQuery>::from_query(request.query_string()).map_err(|_| Accident::Malformed)?;
    if body.media_type != "application/json" {
        return Err(Accident::UnsupportedMediaType.into());
    }
    let LoginBody { username, password } = body.json_object()?;
    let given = SignIn {
        identifier: username,
        password,
        entry: Entry::Browser,
        credential: cookie(&request)?,
        application: None,
    };
    match log_in(&auth, query.application_id.as_deref(), given, &caller).await.map_err(Failure::accident)? {
        LoggedIn::UnknownApplication => {
            Err(sentence(StatusCode::NOT_FOUND, "application_not_found", "there is no such application"))
        }
        LoggedIn::Tried(SignedIn::Begun(user, outcome), application, token) => {
            Ok(begun(&auth, &user, &outcome, &application, token.as_ref()))
        }
        LoggedIn::Tried(SignedIn::Limited(limited), ..) => Err(Accident::RateLimited(limited).into()),
        LoggedIn::Tried(SignedIn::Wrong, ..) => {
            Err(sentence(StatusCode::BAD_REQUEST, "invalid_credentials", "invalid credentials"))
        }
    }
}

const fn sentence(status: StatusCode, code: &'static str, sentence: &'static str) -> Refusal {
    Refusal::Sentence { status, code, sentence }
}

/// The client cookie, unless `Authorization` switches it off.
fn cookie(request: &HttpRequest) -> Result<Option<Credential>, Refusal> {
    match one_cookie(request, CLIENT) {
        OneCookie::Several => {
            Err(sentence(StatusCode::UNAUTHORIZED, "cookie_invalid", "the client cookie may be sent once"))
        }
        OneCookie::Value(value) if !request.headers().contains_key("authorization") => {
            Ok(Some(Credential::Cookie(value.to_owned().into())))
        }
        OneCookie::Value(_) | OneCookie::Absent => Ok(None),
    }
}

fn begun(
    auth: &Auth,
    user: &User,
    outcome: &SignInOutcome,
    application: &Application,
    token: Option<&FirstPartyToken>,
) -> HttpResponse {
    let (client_token, changed_at, due) = match outcome {
        SignInOutcome::Complete(session) => (session.client_token.as_ref(), Some(session.started_at), false),
        SignInOutcome::NeedsSecondFactor { client_token, .. } => (client_token.as_ref(), None, true),
        SignInOutcome::Refused => (None, None, false),
    };
    let mut body = json!({
        "email": user.email,
        "applicationId": application.id,
        "mode": "authentication",
        "mfaRequired": due,
        "methods": [],
    });
    if let (Value::Object(body), true) = (&mut body, due) {
        body.insert("next".to_owned(), "/auth/login/callback".into());
    }
    if let (Value::Object(body), Some(token)) = (&mut body, token) {
        body.extend(token_members(token));
    }
    let mut response = answer(StatusCode::OK, &body);
    for line in auth.cookies.after_change(client_token, changed_at) {
        if let Ok(line) = HeaderValue::from_str(&line) {
            response.headers_mut().append(SET_COOKIE, line);
        }
    }
    response
}

/// A token's members in both of this API's spellings.
fn token_members(token: &FirstPartyToken) -> serde_json::Map<String, Value> {
    let access_token = token.access_token.expose_secret();
    let members = [
        ("accessToken", json!(access_token)),
        ("tokenType", json!("Bearer")),
        ("expiresIn", json!(token.expires_in)),
        ("access_token", json!(access_token)),
        ("token_type", json!("Bearer")),
        ("expires_in", json!(token.expires_in)),
    ];
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
