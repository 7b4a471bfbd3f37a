//! What every request of a tenant goes through, in the order that the API promises: `Accept`, `Content-Type`, JSON, route, tenant,
//! method. One extractor does all of it, for several are not taken one after the other.

use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::ACCEPT;
use actix_web::http::{Method as Verb, StatusCode};
use actix_web::{FromRequest, HttpRequest, web};
use tessera_common::dialect::Accident;
use tessera_common::dialect::verification::Refusal;
use tessera_common::server::{Body, Caller};
use tessera_tokens::access_token::AccessClaims;
use tessera_tokens::bearer::Presented;
use tessera_tokens::jwt::TokenError;

use super::json;
use crate::domain::method::Method;
use crate::verify::Verify;

/// A request that can be read and answered. It may be for nothing that exists.
#[derive(Debug)]
pub struct Readable {
    body: String,
}

/// A request of a tenant for a method that there is.
#[derive(Debug)]
pub struct TenantCall {
    /// Who calls.
    pub tenant: Tenant,
    /// The method in the path.
    pub method: Method,
    /// The verification in the path, if the path names one.
    pub verification_id: String,
    /// The body: JSON, `{}` if there was none.
    pub body: String,
}

/// A back end that may start and judge verifications.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// `client:<client id>`.
    pub id: String,
    /// Whether it may say what the code is to be.
    pub may_force_code: bool,
}

impl FromRequest for Readable {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let accepts = request.headers().get(ACCEPT).is_some_and(|value| value.to_str().is_ok_and(is_acceptable));
        let has_body = request.method() == Verb::POST;
        let body = Body::from_request(request, payload);
        Box::pin(async move {
            if !accepts {
                return Err(Refusal::UnsupportedHeader("Unsupported \"Accept\" header"));
            }
            if !has_body {
                return Ok(Self { body: "{}".to_owned() });
            }
            let body = body.await?;
            if body.media_type != "application/json" {
                return Err(Refusal::UnsupportedHeader("Unsupported \"Content-Type\""));
            }
            Ok(Self { body: read(&body)? })
        })
    }
}

fn is_acceptable(accept: &str) -> bool {
    accept == "application/json" || accept.starts_with("application/vnd.jincor+json;")
}

fn read(body: &Body) -> Result<String, Accident> {
    if body.bytes.is_empty() {
        return Ok("{}".to_owned());
    }
    let raw: Box<serde_json::value::RawValue> = body.json()?;
    json::document(raw.get())?;
    Ok(raw.get().to_owned())
}

impl FromRequest for TenantCall {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let readable = Readable::from_request(request, payload);
        let caller = Caller::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let Readable { body } = readable.await?;
            let verify = request.app_data::<web::Data<Verify>>();
            let verify = verify.ok_or_else(|| Accident::Internal("verify is not configured".into()))?;
            let Ok(caller) = caller.await;
            verify.per_address.count(&caller).await?;
            let tenant = authenticate(&request, verify).await?;
            let method = request.match_info().get("method").and_then(Method::named);
            let method = method
                .filter(|method| verify.serves(*method))
                .ok_or(Refusal::Error(StatusCode::NOT_FOUND, "Method not supported"))?;
            let verification_id = request.match_info().get("verification_id").unwrap_or_default().to_owned();
            Ok(Self { tenant, method, verification_id, body })
        })
    }
}

async fn authenticate(request: &HttpRequest, verify: &Verify) -> Result<Tenant, Refusal> {
    let Presented::Jws(token) = Presented::of(request) else { return Err(Refusal::not_authorized()) };
    match verify.tenants.check(token).await {
        Ok(claims) => tenant(&claims).ok_or(Refusal::not_authorized()),
        Err(TokenError::KeysUnavailable) => {
            Err(Refusal::Unavailable { error: "Auth service unavailable", retry_after: 5 })
        }
        Err(_) => Err(Refusal::not_authorized()),
    }
}

/// A user's token is no tenant's, whatever its scopes.
fn tenant(claims: &AccessClaims) -> Option<Tenant> {
    let is_tenant = claims.is_clients_own() && claims.has_scope("verify");
    is_tenant.then(|| Tenant {
        id: format!("client:{}", claims.client_id),
        may_force_code: claims.has_scope("verify:forced_code"),
    })
}
