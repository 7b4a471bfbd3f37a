//! `GET /dev/mailbox`: caught messages, for people. Plain HTML: no script, and nothing of a mail can act on the page.

use std::time::Duration;

use actix_web::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use chrono::SecondsFormat;
use tessera_contracts::call::Failure;

use super::dev_messages::{DevRefusal, read};
use crate::actions::mailbox::{self, DevMessage};
use crate::domain::plain_text;
use crate::verify::Verify;

/// A mail's own document inherits this: its styles show, its images, scripts and forms do not load.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "mailbox.html")]
struct Page {
    to: String,
    messages: Vec<Shown>,
}

struct Shown {
    to: String,
    subject: String,
    from: String,
    at: String,
    text: String,
    links: Vec<String>,
    codes: Vec<String>,
    html: Option<String>,
}

impl From<DevMessage> for Shown {
    fn from(message: DevMessage) -> Self {
        let is_mail = message.channel == "email";
        let text = if is_mail { plain_text::text(&message.body) } else { message.body.clone() };
        Self {
            to: message.destination,
            subject: message.subject.unwrap_or_else(|| "Text message".to_owned()),
            from: message.sender.unwrap_or_else(|| "the platform".to_owned()),
            at: message.created_at.to_rfc3339_opts(SecondsFormat::Secs, true),
            links: if is_mail { plain_text::links(&message.body) } else { plain_text::addresses(&message.body) },
            codes: plain_text::codes(&text).into_iter().map(str::to_owned).collect(),
            text,
            html: is_mail.then_some(message.body),
        }
    }
}

/// The dev mailbox as a page.
#[utoipa::path(
    get, path = "/dev/mailbox", tag = "dev", params(super::dev_messages::MessagesQuery),
    responses(
        (status = 200, description = "The newest 100 messages", content_type = "text/html", body = String),
        (status = 422, description = "A parameter does not do"),
    )
)]
pub async fn get(verify: web::Data<Verify>, request: HttpRequest) -> Result<HttpResponse, DevRefusal> {
    let (filter, _) = read(&request)?;
    let messages = mailbox::read(&verify, &filter, Duration::ZERO).await?;
    let page =
        Page { to: filter.recipient.unwrap_or_default(), messages: messages.into_iter().map(Shown::from).collect() };
    let html = page.render().map_err(|error| Failure::Internal(error.into()))?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((CONTENT_SECURITY_POLICY, POLICY))
        .body(html))
}
