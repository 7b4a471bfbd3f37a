//! The platform's own messages: their texts are ours alone.

use askama::Template;
use secrecy::{ExposeSecret as _, SecretString};
use tessera_contracts::call::Failure;
use tessera_contracts::verify::{self as contract, MessageName};

use crate::domain::message::Message;

#[derive(Template)]
#[template(path = "verify_email.html")]
struct VerifyEmail<'a> {
    link: &'a str,
}

#[derive(Template)]
#[template(path = "reset_password.html")]
struct ResetPassword<'a> {
    link: &'a str,
}

#[derive(Template)]
#[template(path = "address_taken.html")]
struct AddressTaken;

/// The message; one that carries a link has the token `<verification id>.<code>` at its end.
///
/// # Errors
/// When a link is missing.
pub fn render(message: &contract::Message, id: &str, code: &SecretString) -> Result<Message, Failure> {
    let link = || {
        let base = message.values.get("link").ok_or_else(|| Failure::Internal("the message has no link".into()))?;
        Ok::<_, Failure>(format!("{base}{id}.{}", code.expose_secret()))
    };
    let (subject, body) = match message.name {
        MessageName::VerifyEmail => ("Verify your email", VerifyEmail { link: &link()? }.render()),
        MessageName::ResetPassword => ("Reset your password", ResetPassword { link: &link()? }.render()),
        MessageName::AddressTaken => ("You already have an account", AddressTaken.render()),
    };
    let body = body.map_err(|error| Failure::Internal(error.into()))?;
    Ok(Message { subject: Some(subject.to_owned()), body, from: None })
}
