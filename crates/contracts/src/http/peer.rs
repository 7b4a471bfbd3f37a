//! A sibling as it is called: one request at a time, within its time, and at most one repetition.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tessera_common::clock::Clock;
use tessera_common::random::Random;
use tessera_common::telemetry;
use tessera_tokens::service_key::ServiceKey;
use tessera_tokens::service_token::BoundRequest;
use tokio::time::{Instant, sleep_until, timeout_at};
use tracing::Instrument as _;

use super::context::{Context, outgoing};
use super::method::Method;
use super::{Clients, PATH, TIMEOUT_MS};
use crate::call::CallError;

/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 1024 * 1024;
/// Before a call is repeated: long enough for another replica to be chosen, or a listener to be back.
const PAUSE: Duration = Duration::from_millis(50);

/// One sibling: where it is, and what we present to it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Peer {
    http: Clients,
    base: Url,
    key: Arc<ServiceKey>,
    clock: Clock,
    random: Random,
}

/// Why one attempt brought no answer.
enum Trouble {
    /// No connection: nothing was sent.
    NotReached,
    /// It said that it cannot now, and when it may.
    Busy { retry_after: u32 },
    /// The connection ended before a whole answer: whether it was done is not known. So ends a kept connection that the sibling closes,
    /// as it stops, at the moment of its use.
    Cut,
    /// No answer in time: whether it was done is not known, and there is no time left.
    Late,
    /// An answer that it does not give: a fault of ours.
    Wrong(String),
}

impl Trouble {
    /// Whether another try may bring more, and does no harm: what was not sent can be sent, what may have been done only if doing it
    /// twice is doing it once.
    const fn lets_repeat(&self, repeatable: bool) -> bool {
        match self {
            Self::NotReached => true,
            Self::Busy { .. } | Self::Cut => repeatable,
            Self::Late | Self::Wrong(_) => false,
        }
    }
}

impl Peer {
    /// The sibling whose internal listener is at `base` (scheme, host and port; a path is disregarded), called over `http` with `key` as
    /// this service's own.
    #[must_use]
    pub const fn new(http: Clients, base: Url, key: Arc<ServiceKey>, clock: Clock, random: Random) -> Self {
        Self { http, base, key, clock, random }
    }

    /// Calls `method`. It is called once more, if there is time, when nobody was reached; a method that is safe to repeat also after a 503
    /// and after a connection that was cut. The repetition has a connection of its own: a sibling that stops closes all that were kept.
    ///
    /// # Errors
    /// [`CallError::Unavailable`] when later may succeed, [`CallError::Failed`] when something does not fit.
    pub(super) async fn call<I, O>(&self, method: &Method<I, O>, input: &I) -> Result<O, CallError>
    where
        I: Serialize,
        O: DeserializeOwned,
    {
        let callee = method.callee;
        let failed = |cause: String| CallError::Failed { callee, cause: format!("{}: {cause}", method.name).into() };
        let body = serde_json::to_vec(input).map_err(|error| failed(error.to_string()))?;
        let context = outgoing(self.key.service(), Instant::now() + method.within);
        let mut answered = self.attempt(&self.http.keeping, callee, &method.path(), &body, &context).await;
        let again = Instant::now() + PAUSE;
        let repeat = answered.as_ref().is_err_and(|trouble| trouble.lets_repeat(method.repeatable));
        if repeat && again < context.deadline {
            sleep_until(again).await;
            answered = self.attempt(&self.http.fresh, callee, &method.path(), &body, &context).await;
        }
        let retry_after = match answered {
            Ok(answer) => {
                return serde_json::from_slice(&answer).map_err(|_| failed("an answer of another form".into()));
            }
            Err(Trouble::Wrong(cause)) => return Err(failed(cause)),
            Err(Trouble::Busy { retry_after }) => retry_after,
            Err(Trouble::NotReached | Trouble::Cut | Trouble::Late) => 1,
        };
        Err(CallError::Unavailable { callee, retry_after })
    }

    /// One request. Why there is no answer is logged here, for the caller learns no more than that.
    async fn attempt(
        &self,
        http: &Client,
        callee: &str,
        path: &str,
        body: &[u8],
        context: &Context,
    ) -> Result<Vec<u8>, Trouble> {
        let exchange = async {
            let response = self.request(http, callee, path, body, context)?.send().await.map_err(|error| {
                let trouble = if error.is_connect() { Trouble::NotReached } else { Trouble::Cut };
                tracing::warn!(call.to = callee, call.path = path, error = %Chain(&error.without_url()), "a call was not answered");
                trouble
            })?;
            judged(response).await
        };
        let in_time = async {
            timeout_at(context.deadline, exchange).await.unwrap_or_else(|_| {
                tracing::warn!(call.to = callee, call.path = path, "a call was not answered in time");
                Err(Trouble::Late)
            })
        };
        let name = format!("POST {path}");
        in_time.instrument(tracing::info_span!("service_call", otel.name = name, otel.kind = "client")).await
    }

    fn request(
        &self,
        http: &Client,
        callee: &str,
        path: &str,
        body: &[u8],
        context: &Context,
    ) -> Result<RequestBuilder, Trouble> {
        let wrong = |error: &dyn std::error::Error| Trouble::Wrong(error.to_string());
        let url = self.base.join(path).map_err(|error| wrong(&error))?;
        let bound = BoundRequest { method: "POST", target: path, body };
        let token = self.key.vouch(callee, bound, self.clock.now(), &self.random).map_err(|error| wrong(&error))?;
        let mut authorization = HeaderValue::try_from(format!("Bearer {token}")).map_err(|error| wrong(&error))?;
        authorization.set_sensitive(true);
        let left = context.deadline.saturating_duration_since(Instant::now());
        let mut request = http
            .post(url)
            .header(AUTHORIZATION, authorization)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json")
            .header(TIMEOUT_MS, left.as_millis().to_string())
            .header(PATH, &context.path)
            .body(body.to_vec());
        if let Some(traceparent) = telemetry::traceparent() {
            request = request.header("traceparent", traceparent);
        }
        Ok(request)
    }
}

/// The body of an answer, or what to think of its status.
async fn judged(response: Response) -> Result<Vec<u8>, Trouble> {
    match response.status() {
        StatusCode::OK => read(response).await,
        StatusCode::SERVICE_UNAVAILABLE => {
            let stated = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            Err(Trouble::Busy { retry_after: stated.unwrap_or(1) })
        }
        // Both are said by what stands between.
        StatusCode::BAD_GATEWAY => Err(Trouble::Cut),
        StatusCode::GATEWAY_TIMEOUT => Err(Trouble::Late),
        other => Err(Trouble::Wrong(format!("answered {}", other.as_u16()))),
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, Trouble> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| Trouble::Cut)? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err(Trouble::Wrong("an answer over 1 MiB".to_owned()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// An error with its causes: the outermost says little of why a connection failed.
struct Chain<'a>(&'a dyn std::error::Error);

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(inner) = source {
            write!(f, ": {inner}")?;
            source = inner.source();
        }
        Ok(())
    }
}
