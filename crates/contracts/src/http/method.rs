//! One method of the internal API: what both sides know of it, and how it is answered.

use std::marker::PhantomData;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tessera_common::dialect::{Dialect, json, problem};
use tessera_common::server::{Description, Endpoint};
use utoipa::ToSchema;
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::{ContentBuilder, ResponseBuilder};

use super::service_call::ServiceCall;
use crate::call::CallError;
use crate::sibling::Sibling;

/// A method that takes an `I` and answers an `O`, both as they are on the wire.
#[derive(Debug)]
pub(super) struct Method<I, O> {
    /// Who answers.
    pub(super) callee: &'static str,
    /// Its name, the last part of its path.
    pub(super) name: &'static str,
    /// How long a caller waits for it.
    pub(super) within: Duration,
    /// Whether making the call twice does no more than making it once.
    pub(super) repeatable: bool,
    summary: &'static str,
    shape: PhantomData<fn(I) -> O>,
}

impl<I, O> Method<I, O> {
    /// A method that may be repeated.
    pub(super) const fn new(callee: &'static str, name: &'static str, within_ms: u64, summary: &'static str) -> Self {
        let within = Duration::from_millis(within_ms);
        Self { callee, name, within, repeatable: true, summary, shape: PhantomData }
    }

    /// The same, but it must not be repeated by itself.
    pub(super) const fn not_repeated(self) -> Self {
        Self { repeatable: false, ..self }
    }

    /// Where it is called.
    pub(super) fn path(&self) -> String {
        format!("/internal/{}/{}", self.callee, self.name)
    }
}

impl<I, O> Method<I, O>
where
    I: DeserializeOwned + ToSchema + 'static,
    O: Serialize + ToSchema + 'static,
{
    /// The operation that answers it with `answer`, by the `A` that the listener has as its data, whoever calls.
    pub(super) fn served_by<A, F>(&self, answer: F) -> Endpoint
    where
        A: Clone + 'static,
        F: AsyncFn(&A, I) -> Result<O, CallError> + Clone + Send + Sync + 'static,
    {
        self.served_to(|api: &A, _| api.clone(), answer)
    }

    /// The same, where the `C` that the listener has as its data gives each sibling an `A` of its own.
    pub(super) fn served_to<C, A, F>(&self, api_of: fn(&C, Sibling) -> A, answer: F) -> Endpoint
    where
        C: 'static,
        A: 'static,
        F: AsyncFn(&A, I) -> Result<O, CallError> + Clone + Send + Sync + 'static,
    {
        let (callee, within) = (self.callee, self.within);
        let handler = move |call: ServiceCall, context: web::Data<C>| {
            let answer = answer.clone();
            async move {
                let input = match call.input() {
                    Ok(input) => input,
                    Err(accident) => return Dialect::Problem.answer(&accident),
                };
                let api = api_of(&context, call.caller);
                said(call.carry_out(callee, within, answer(&api, input)).await)
            }
        };
        Endpoint::new(self.description(), handler)
    }

    fn description(&self) -> Description {
        let mut schemas = Vec::new();
        I::schemas(&mut schemas);
        O::schemas(&mut schemas);
        Description { method: HttpMethod::Post, path: self.path(), operation: self.operation(), schemas }
    }

    fn operation(&self) -> Operation {
        let input = ContentBuilder::new().schema(Some(I::schema())).build();
        let output = ContentBuilder::new().schema(Some(O::schema())).build();
        let answered = ResponseBuilder::new().description("The answer; a refusal of business is one, too");
        let mut operation = OperationBuilder::new()
            .tag("internal")
            .operation_id(Some(self.name))
            .summary(Some(self.summary))
            .request_body(Some(RequestBodyBuilder::new().content("application/json", input).build()))
            .response("200", answered.content("application/json", output).build());
        for (status, what) in [
            ("400", "The body is not of this form"),
            ("401", "No service's token for exactly this request, or one that was seen before"),
            ("403", "The caller is not among those who may call this method"),
            ("422", "It asks for what cannot be, which is a fault of the caller's"),
            ("503", "It cannot be answered now, or not in the time that the caller waits"),
            ("508", "The request has come through this service already"),
        ] {
            operation = operation.response(status, ResponseBuilder::new().description(what).build());
        }
        operation.build()
    }
}

fn said(answered: Result<impl Serialize, CallError>) -> HttpResponse {
    match answered {
        Ok(output) => json(StatusCode::OK, &output),
        Err(error) => match error.misuse() {
            Some(what) => misused(what),
            None => Dialect::Problem.answer(&error.accident()),
        },
    }
}

/// The caller hears that it is at fault; what at is logged here, for a caller's log has no more of an answer than its status.
fn misused(what: &'static str) -> HttpResponse {
    tracing::error!(error = what, "a call asks for what cannot be");
    problem::refusal(StatusCode::UNPROCESSABLE_ENTITY, "not_possible", what)
}
