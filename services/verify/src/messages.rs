//! The platform's own messages: their texts are ours alone.

use askama::Template;
use secrecy::{ExposeSecret as _, SecretString};
use tessera_contracts::call::Failure;
use tessera_contracts::verify::{self as contract, MessageName};

use crate::domain::message::{Channel, Message, Sender};

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

#[derive(Template)]
#[template(path = "sign_in_code.html")]
struct SignInCode<'a> {
    code: &'a str,
}

#[derive(Template)]
#[template(source = "{{ code }} is your code to sign in. Tell it to nobody.", ext = "txt")]
struct SignInCodeText<'a> {
    code: &'a str,
}

#[derive(Template)]
#[template(source = "{{ code }} is your code to verify this number. Tell it to nobody.", ext = "txt")]
struct VerifyPhone<'a> {
    code: &'a str,
}

/// The message; one that carries a link has the token `<verification id>.<code>` at its end.
///
/// # Errors
/// When a link is missing, or no such message goes by that channel.
pub fn render(
    message: &contract::Message,
    channel: Channel,
    id: &str,
    code: &SecretString,
) -> Result<Message, Failure> {
    let code = code.expose_secret();
    let link = || {
        let base = message.values.get("link").ok_or(Failure::Misused("the message has no link"))?;
        Ok::<_, Failure>(format!("{base}{id}.{code}"))
    };
    let (subject, body) = match (channel, message.name) {
        (Channel::Email, MessageName::VerifyEmail) => {
            (Some("Verify your email"), VerifyEmail { link: &link()? }.render())
        }
        (Channel::Email, MessageName::ResetPassword) => {
            (Some("Reset your password"), ResetPassword { link: &link()? }.render())
        }
        (Channel::Email, MessageName::AddressTaken) => (Some("You already have an account"), AddressTaken.render()),
        (Channel::Email, MessageName::SignInCode) => (Some("Your code to sign in"), SignInCode { code }.render()),
        (Channel::Sms, MessageName::SignInCode) => (None, SignInCodeText { code }.render()),
        (Channel::Sms, MessageName::VerifyPhone) => (None, VerifyPhone { code }.render()),
        (Channel::Email, MessageName::VerifyPhone)
        | (Channel::Sms, MessageName::VerifyEmail | MessageName::ResetPassword | MessageName::AddressTaken) => {
            return Err(Failure::Misused("no such message goes by that channel"));
        }
    };
    let body = body.map_err(|error| Failure::Internal(error.into()))?;
    Ok(Message { subject: subject.map(str::to_owned), body, sender: Sender::default() })
}
