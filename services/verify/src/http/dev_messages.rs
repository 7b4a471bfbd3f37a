//! `GET /dev/messages`: caught messages, for programs.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};
use chrono::SecondsFormat;
use serde::{Deserialize, Serialize};
use tessera_common::dialect::{Accident, Dialect, json, problem};
use tessera_contracts::call::Failure;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::actions::mailbox::{self, DevMessage, Filter};
use crate::domain::message::Channel;
use crate::verify::Verify;

/// The longest wait, in seconds.
const LONGEST_WAIT: u64 = 25;

/// Which messages to show.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MessagesQuery {
    /// Only to this address or number.
    #[param(example = "ada@example.org")]
    to: Option<String>,
    /// Only by this channel: `email` or `sms`.
    channel: Option<String>,
    /// Only those after the message of this id.
    after: Option<String>,
    /// Seconds to wait for the first, at most 25.
    wait: Option<String>,
}

/// A caught message.
#[derive(Debug, Serialize, ToSchema)]
pub struct DevMessageView {
    /// Its id, for `after`.
    id: Uuid,
    /// `email` or `sms`.
    channel: String,
    /// Whom it is for.
    to: String,
    /// Whom it is from, unless the platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// The subject line.
    subject: Option<String>,
    /// HTML for mail, text otherwise.
    body: String,
    /// When it was caught.
    #[schema(example = "2026-03-04T17:20:33.632Z")]
    created_at: String,
}

impl From<DevMessage> for DevMessageView {
    fn from(message: DevMessage) -> Self {
        Self {
            id: message.id,
            channel: message.channel,
            to: message.destination,
            from: message.sender,
            subject: message.subject,
            body: message.body,
            created_at: message.created_at.to_rfc3339_opts(SecondsFormat::Millis, true),
        }
    }
}

/// Caught messages, newest first.
#[utoipa::path(
    get, path = "/dev/messages", tag = "dev", params(MessagesQuery),
    responses(
        (status = 200, description = "At most 100 messages", body = [DevMessageView]),
        (status = 422, description = "A parameter does not do"),
    )
)]
pub async fn get(verify: web::Data<Verify>, request: HttpRequest) -> Result<HttpResponse, DevRefusal> {
    let (filter, patience) = read(&request)?;
    let messages = mailbox::read(&verify, &filter, patience).await?;
    Ok(json(StatusCode::OK, &messages.into_iter().map(DevMessageView::from).collect::<Vec<_>>()))
}

/// Reads which messages are asked for, and how long to wait for them.
pub fn read(request: &HttpRequest) -> Result<(Filter, Duration), DevRefusal> {
    let query = web::Query::<MessagesQuery>::from_query(request.query_string());
    let MessagesQuery { to, channel, after, wait } =
        query.map_err(|_| DevRefusal::Parameter("the query cannot be read"))?.into_inner();
    // A form sends what was left empty.
    let given = |text: Option<String>| text.filter(|text| !text.is_empty());
    let channel =
        given(channel).map(|name| Channel::named(&name).ok_or(DevRefusal::Parameter("channel is email or sms")));
    let after = given(after).map(|id| id.parse().map_err(|_| DevRefusal::Parameter("after is the id of a message")));
    let wait = given(wait).map_or(Some(0), |seconds| seconds.parse().ok()).filter(|seconds| *seconds <= LONGEST_WAIT);
    let filter = Filter {
        recipient: given(to).map(|to| mailbox::recipient(&to)),
        channel: channel.transpose()?.map(Channel::name),
        after: after.transpose()?,
    };
    Ok((filter, Duration::from_secs(wait.ok_or(DevRefusal::Parameter("wait is 0 to 25 seconds"))?)))
}

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
pub enum DevRefusal {
    /// A parameter does not do.
    #[error("{0}")]
    Parameter(&'static str),
    /// It could not be done.
    #[error("{}", .0.code())]
    Failed(Accident),
}

impl From<Failure> for DevRefusal {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure.accident())
    }
}

impl ResponseError for DevRefusal {
    fn error_response(&self) -> HttpResponse {
        match self {
            Self::Parameter(detail) => problem::refusal(StatusCode::UNPROCESSABLE_ENTITY, "invalid_parameter", detail),
            Self::Failed(accident) => Dialect::Problem.answer(accident),
        }
    }
}
