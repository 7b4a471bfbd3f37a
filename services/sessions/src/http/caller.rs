//! Who calls: extractors, so that a handler's signature shows whom it serves.

use actix_web::dev::Payload;
use actix_web::http::header::{AUTHORIZATION, HeaderName, ORIGIN};
use actix_web::http::{Method, StatusCode};
use actix_web::{FromRequest, HttpRequest, web};
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use tessera_common::dialect::{accounts, client};
use tessera_common::server::{OneCookie, SameOrigin, one_cookie};
use tessera_contracts::call::Failure;
use tessera_contracts::sessions::Credential;
use tessera_tokens::bearer::Presented as Authorization;
use tessera_tokens::client_cookie::CLIENT;

use crate::actions::resolve::{self, Presented};
use crate::domain::client::Standing;
use crate::domain::session::Session;
use crate::sessions::Sessions;

/// A user by the accounts API: the live session of the presented session token. A cookie beside it is not looked at.
#[derive(Debug)]
pub struct SignedIn(pub Session);

impl FromRequest for SignedIn {
    type Error = accounts::Refusal;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let sessions = request.app_data::<web::Data<Sessions>>().cloned();
        let token = match Authorization::of(request) {
            Authorization::Opaque(token) => Some(token.to_owned()),
            _ => None,
        };
        async move {
            let (Some(sessions), Some(token)) = (sessions, token) else {
                return Err(accounts::Refusal::Unauthenticated);
            };
            let session =
                resolve::by_token(&sessions, &token).await.map_err(|error| Failure::from(error).accident())?;
            session.map(Self).ok_or(accounts::Refusal::Unauthenticated)
        }
        .boxed_local()
    }
}

/// A caller of the client API: a client that presented its secret, or nobody.
#[derive(Debug)]
pub struct ClientCaller {
    /// The client, unless its secret is worth nothing any more.
    pub presented: Option<Presented>,
    /// The page's origin, if it is one that may act here.
    pub azp: Option<String>,
}

impl ClientCaller {
    /// The client, if its secret is the present one.
    ///
    /// # Errors
    /// 401: anything that changes something needs the present secret.
    pub fn current(self) -> Result<Presented, client::Refusal> {
        let current = self.presented.filter(|presented| presented.standing == Standing::Current);
        current.ok_or(client::Refusal::unauthenticated())
    }
}

impl FromRequest for ClientCaller {
    type Error = client::Refusal;
    type Future = LocalBoxFuture<'static, Result<Self, Self::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let sessions = request.app_data::<web::Data<Sessions>>().cloned();
        let read = credential(request);
        let safe = matches!(*request.method(), Method::GET | Method::HEAD);
        let same_origin = SameOrigin::from_request(request, payload).into_inner().map_err(client::Refusal::from);
        let azp = request.headers().get(ORIGIN).and_then(|origin| origin.to_str().ok()).map(str::to_owned);
        async move {
            let credential = read?;
            let allowed = same_origin.is_ok();
            if !safe && !matches!(credential, Some(Credential::Native(_))) {
                same_origin?;
            }
            let presented = match (sessions, credential) {
                (Some(sessions), Some(credential)) => {
                    resolve::client(&sessions, &credential).await.map_err(|error| Failure::from(error).accident())?
                }
                _ => None,
            };
            let presented = presented.filter(|presented| presented.standing != Standing::Gone);
            Ok(Self { presented, azp: azp.filter(|_| allowed) })
        }
        .boxed_local()
    }
}

/// What the request presents. `Authorization`, or the native flag, switches the cookie off even if it is worth nothing.
fn credential(request: &HttpRequest) -> Result<Option<Credential>, client::Refusal> {
    let malformed = |code, message| Err(client::Refusal::coded(StatusCode::BAD_REQUEST, code, message));
    check_api_version(request)?;
    if is_repeated(request, &ORIGIN) {
        return malformed("multiple_origin_header_values_forbidden", "Origin may be sent once");
    }
    if is_repeated(request, &AUTHORIZATION) {
        return malformed("multiple_authorization_header_values_forbidden", "Authorization may be sent once");
    }
    let authorization = request.headers().get(AUTHORIZATION).map(|value| value.to_str().unwrap_or("?"));
    let authorization = authorization.filter(|value| !value.is_empty());
    let native = matches!(query(request, "_is_native").as_deref(), Some("1" | "true"));
    match authorization {
        Some(_) if request.headers().contains_key(ORIGIN) => {
            malformed("origin_authorization_headers_conflict", "A browser presents its cookie, not Authorization")
        }
        Some(value) if native => {
            let token = value.strip_prefix("Bearer ").unwrap_or(value);
            Ok(Some(Credential::Native(token.to_owned().into())))
        }
        Some(_) => Ok(None),
        None if native => Ok(None),
        None => match one_cookie(request, CLIENT) {
            OneCookie::Absent => Ok(None),
            OneCookie::Value(value) => Ok(Some(Credential::Cookie(value.to_owned().into()))),
            OneCookie::Several => malformed("cookie_invalid", "The client cookie may be sent once"),
        },
    }
}

/// The version of the API that a client was built for: any date is served alike.
fn check_api_version(request: &HttpRequest) -> Result<(), client::Refusal> {
    let header = request.headers().get("clerk-api-version").and_then(|value| value.to_str().ok()).map(str::to_owned);
    match query(request, "__clerk_api_version").or(header) {
        Some(version) if chrono::NaiveDate::parse_from_str(&version, "%Y-%m-%d").is_err() => {
            Err(client::Refusal::coded(
                StatusCode::BAD_REQUEST,
                "api_version_invalid",
                "The API version is a date such as 2025-04-10",
            ))
        }
        _ => Ok(()),
    }
}

fn is_repeated(request: &HttpRequest, name: &HeaderName) -> bool {
    request.headers().get_all(name).count() > 1
}

/// A parameter of the query.
pub fn query(request: &HttpRequest, name: &str) -> Option<String> {
    let pairs: Vec<(String, String)> = serde_urlencoded::from_str(request.query_string()).ok()?;
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
}

/// Which of the two APIs a request to `/sessions` is for.
#[derive(Debug, PartialEq, Eq)]
pub enum SessionsCaller {
    /// The accounts API: a session token, or nothing at all.
    Accounts,
    /// The identity API: a signed token, an app's client token, or a cookie alone.
    Identity,
}

impl SessionsCaller {
    /// `Authorization` beats the cookie, which is then ignored even if the header is worth nothing.
    pub fn of(request: &HttpRequest) -> Self {
        let native = matches!(query(request, "_is_native").as_deref(), Some("1" | "true"));
        match Authorization::of(request) {
            Authorization::Jws(_) => Self::Identity,
            Authorization::Other(_) if native => Self::Identity,
            Authorization::Opaque(_) | Authorization::Other(_) => Self::Accounts,
            Authorization::Nothing => match one_cookie(request, CLIENT) {
                OneCookie::Absent => Self::Accounts,
                OneCookie::Value(_) | OneCookie::Several => Self::Identity,
            },
        }
    }
}
