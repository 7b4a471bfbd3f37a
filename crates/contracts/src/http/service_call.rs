//! The door of an internal listener: whether a request is a call that one of our services makes, and may make.

use std::pin::Pin;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, WWW_AUTHENTICATE};
use actix_web::{FromRequest, HttpRequest, HttpResponse, ResponseError, web};
use serde::de::DeserializeOwned;
use tessera_common::dialect::{Accident, Dialect, Fault, problem};
use tessera_common::server::Body;
use tessera_tokens::bearer::Presented;
use tessera_tokens::service_token::{BoundRequest, ServiceTokenError, ServiceTokens};
use tokio::time::{Instant, timeout_at};

use super::calls::Calls;
use super::context::{Context, visited};
use super::{PATH, TIMEOUT_MS};
use crate::call::CallError;
use crate::sibling::Sibling;

/// The media type of every call.
const JSON: &str = "application/json";

/// A call that was let in: signed for exactly this request by a service that may make it.
#[derive(Debug)]
pub(super) struct ServiceCall {
    /// Who signed it.
    pub(super) caller: Sibling,
    body: Body,
    path: String,
    waits: Option<Duration>,
}

impl ServiceCall {
    /// What the method is given.
    ///
    /// # Errors
    /// When the body is not of its form.
    pub(super) fn input<I: DeserializeOwned>(&self) -> Result<I, Accident> {
        self.body.json_object()
    }

    /// Does `work` as the answer of `callee`, in the time that the caller waits, at most `within`. What is not done by then is dropped:
    /// transactions roll back, and nobody waits for the answer.
    ///
    /// # Errors
    /// Those of `work`, or [`CallError::Unavailable`] when the time is over.
    pub(super) async fn carry_out<O>(
        self,
        callee: &'static str,
        within: Duration,
        work: impl Future<Output = Result<O, CallError>>,
    ) -> Result<O, CallError> {
        let deadline = Instant::now() + self.waits.unwrap_or(within).min(within);
        let context = Context { path: self.path, deadline };
        let late = |_| Err(CallError::Unavailable { callee, retry_after: 1 });
        timeout_at(deadline, context.scope(work)).await.unwrap_or_else(late)
    }
}

/// Why a request is not let in.
#[derive(Debug)]
pub(super) enum Refusal {
    /// No service vouches for exactly this request, now and for the first time.
    Unauthenticated,
    /// The service may not call this method.
    CallerNotAllowed,
    /// The request has been here.
    Loop,
    /// What can happen to any request.
    Accident(Accident),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Accident(fault.accident)
    }
}

impl From<ServiceTokenError> for Refusal {
    fn from(error: ServiceTokenError) -> Self {
        match error {
            ServiceTokenError::Busy => Self::Accident(Accident::Unavailable { retry_after: 1 }),
            ServiceTokenError::Refused(_) | ServiceTokenError::Replayed => Self::Unauthenticated,
        }
    }
}

impl FromRequest for ServiceCall {
    type Error = Refusal;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = Body::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move { admitted(&request, body.await?) })
    }
}

/// Who calls comes first: a stranger learns nothing of what is called, or whether.
fn admitted(request: &HttpRequest, body: Body) -> Result<ServiceCall, Refusal> {
    let tokens = request.app_data::<web::Data<ServiceTokens>>();
    let tokens =
        tokens.ok_or_else(|| Refusal::Accident(Accident::Internal("no service keys are configured".into())))?;
    let Presented::Jws(token) = Presented::of(request) else { return Err(Refusal::Unauthenticated) };
    let target = request.uri().path_and_query().map_or("", |target| target.as_str());
    let bound = BoundRequest { method: request.method().as_str(), target, body: &body.bytes };
    let caller = tokens.check(token, bound)?;

    let called = request.path().strip_prefix("/internal/").and_then(|called| called.split_once('/'));
    let (callee, method) = called.unwrap_or_default();
    let caller = Sibling::named(&caller).filter(|caller| Calls::committed().admit(callee, method, caller.name()));
    let caller = caller.ok_or(Refusal::CallerNotAllowed)?;
    let path = header(request, PATH).unwrap_or(caller.name()).to_owned();
    if visited(&path, callee) {
        return Err(Refusal::Loop);
    }
    if body.media_type != JSON {
        return Err(Refusal::Accident(Accident::UnsupportedMediaType));
    }
    let waits = header(request, TIMEOUT_MS).and_then(|text| text.parse().ok()).map(Duration::from_millis);
    Ok(ServiceCall { caller, body, path, waits })
}

fn header<'a>(request: &'a HttpRequest, name: &str) -> Option<&'a str> {
    request.headers().get(name)?.to_str().ok()
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Unauthenticated => "unauthenticated",
            Self::CallerNotAllowed => "caller_not_allowed",
            Self::Loop => "loop_detected",
            Self::Accident(accident) => accident.code(),
        })
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::CallerNotAllowed => StatusCode::FORBIDDEN,
            Self::Loop => StatusCode::LOOP_DETECTED,
            Self::Accident(accident) => accident.status(),
        }
    }

    fn error_response(&self) -> HttpResponse {
        let (code, sentence) = match self {
            Self::Unauthenticated => (
                "unauthenticated",
                "this call needs a svc+jwt of a trusted service, made for exactly this request and used once: compare the keys and \
                 the clocks of both services",
            ),
            Self::CallerNotAllowed => {
                ("caller_not_allowed", "this service does not call this method: deploy/calls.toml lists who does")
            }
            Self::Loop => ("loop_detected", "the request has come through this service already"),
            Self::Accident(accident) => return Dialect::Problem.answer(accident),
        };
        let mut response = problem::refusal(self.status_code(), code, sentence);
        if matches!(self, Self::Unauthenticated) {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}
