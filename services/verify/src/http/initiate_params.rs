//! What is given to start a verification, read with every problem it has.

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tessera_common::dialect::verification::{Detail, Refusal};
use tessera_contracts::email_address::EmailAddress;
use tessera_contracts::phone_number::PhoneNumber;
use utoipa::ToSchema;

use super::common_params::{INVALID_LIFETIME, forced_id, lifetime, payload};
use super::json::{self, Kind, Need, Object, Reader};
use crate::actions::initiate::{ByMessage, CodeRule, Template};
use crate::actions::resend::Again;
use crate::domain::allowed_prefixes::AllowedPrefixes;
use crate::domain::code::Alphabet;
use crate::domain::lifetime;
use crate::domain::message::{Channel, Sender};
use crate::domain::recipient::Recipient;
use crate::domain::template::{LONGEST_TEXT, MOST_PLACES, filled_len, places};

/// The subject of a mail whose template has none.
const DEFAULT_SUBJECT: &str = "Verification Email";

/// What is said of a text message that is too long.
pub const TOO_LONG: &str = "must be at most 480 characters";

/// What is said of a code that would make a text message more than text.
const NO_CONTROLS: &str = "must not contain control characters";

/// The characters of a verification's id.
const ID_LEN: usize = 36;

/// What is written to, and what else the rules for it are.
#[derive(Clone, Copy, Debug)]
struct Rules<'a> {
    channel: Channel,
    prefixes: &'a AllowedPrefixes,
    /// Whether a lifetime has to be one, and not in the past.
    judges_lifetime: bool,
}

/// What is given.
struct Given {
    consumer: String,
    recipient: Recipient,
    template: Template,
    code: CodeRule,
    policy: Policy,
    payload: Option<String>,
}

/// Reads a verification by mail or text message, whose numbers are to begin with one of `prefixes`. What the method has no use for is
/// not looked at.
///
/// # Errors
/// Every problem at once.
pub fn by_message(body: &str, channel: Channel, prefixes: &AllowedPrefixes) -> Result<ByMessage, Refusal> {
    let given = given(body, Rules { channel, prefixes, judges_lifetime: true })?;
    let Given { consumer, recipient, template, code, policy, payload } = given;
    let invalid = Detail { path: "policy.expiredOn", error: INVALID_LIFETIME };
    let lifetime = policy.lifetime.ok_or_else(|| Refusal::Invalid(vec![invalid]))?;
    Ok(ByMessage { consumer, recipient, template, code, lifetime, forced_id: policy.forced_id, payload })
}

/// Reads what is to be sent again: all that starting it takes, but for the lifetime, which is judged later.
///
/// # Errors
/// Every problem at once.
pub fn again(body: &str, channel: Channel, prefixes: &AllowedPrefixes) -> Result<Again, Refusal> {
    let given = given(body, Rules { channel, prefixes, judges_lifetime: false })?;
    let Given { consumer, recipient, template, policy, payload, .. } = given;
    Ok(Again { consumer, recipient, template, lifetime: policy.lifetime, id: policy.forced_id, payload })
}

fn given(body: &str, rules: Rules<'_>) -> Result<Given, Refusal> {
    let mut reader = Reader::default();
    let read = read(&mut reader, body, rules)?;
    let problems = reader.problems();
    match read {
        Some(given) if problems.is_empty() => Ok(given),
        _ => Err(Refusal::Invalid(problems)),
    }
}

fn read(reader: &mut Reader, body: &str, rules: Rules<'_>) -> Result<Option<Given>, Refusal> {
    let Some(root) = reader.as_object(json::document(body)?, "") else { return Ok(None) };
    let consumer = match rules.channel {
        Channel::Email => address(reader, &root),
        Channel::Sms => number(reader, &root, rules.prefixes),
    };
    let template = reader.object(&root, "template", Need::Required).and_then(|object| match rules.channel {
        Channel::Email => mail_template(reader, &object),
        Channel::Sms => text_template(reader, &object),
    });
    let generated = generate_code(reader, &root, rules.channel);
    let policy = reader.object(&root, "policy", Need::Required);
    let mut policy = policy.map(|object| policy_of(reader, &object, rules));
    if root.get("generateCode").is_none() && !policy.as_ref().is_some_and(|policy| policy.forces_code) {
        reader.wrong("generateCode", "is required");
    }
    let payload = payload(reader, &root);
    let code = match (policy.as_mut().and_then(|policy| policy.forced_code.take()), generated) {
        (Some(code), _) => Some(CodeRule::Forced(code)),
        (None, Some((length, alphabet))) => Some(CodeRule::Generated { length, alphabet }),
        (None, None) => None,
    };
    if let (Channel::Sms, Some(template)) = (rules.channel, &template) {
        check_length(reader, &template.body, code.as_ref());
    }
    let (Some((consumer, recipient)), Some(template), Some(policy), Some(code)) = (consumer, template, policy, code)
    else {
        return Ok(None);
    };
    Ok(Some(Given { consumer, recipient, template, code, policy, payload }))
}

fn address(reader: &mut Reader, root: &Object<'_>) -> Option<(String, Recipient)> {
    let text = reader.text(root, "consumer", Need::Required)?;
    // Blanks around it would be no part of the address, yet of what is compared and shown.
    let address = EmailAddress::parse(&text).filter(|_| text.trim() == text);
    if address.is_none() {
        reader.wrong("consumer", "must be a valid email");
    }
    let address = address?;
    let (given, canonical) = (address.as_given().to_owned(), address.canonical().to_owned());
    Some((text, Recipient::Address { given, canonical }))
}

fn number(reader: &mut Reader, root: &Object<'_>, prefixes: &AllowedPrefixes) -> Option<(String, Recipient)> {
    let text = reader.text(root, "consumer", Need::Required)?;
    let Some(number) = PhoneNumber::parse(&text) else {
        reader.wrong("consumer", "must be a valid phone number");
        return None;
    };
    let Some(prefix) = prefixes.of(number.as_str(), number.calling_code()) else {
        reader.wrong("consumer", "is not in an allowed region");
        return None;
    };
    Some((text, Recipient::Number { number: number.to_string(), prefix: prefix.to_owned() }))
}

fn template_body(reader: &mut Reader, template: &Object<'_>) -> Option<String> {
    let body = reader.text(template, "template.body", Need::Required);
    if body.as_ref().is_some_and(|body| places(body) > MOST_PLACES) {
        reader.wrong("template.body", "must have at most 20 placeholders");
    }
    body
}

fn text_template(reader: &mut Reader, template: &Object<'_>) -> Option<Template> {
    let body = template_body(reader, template)?;
    if is_no_text(&body) {
        reader.wrong("template.body", "must have no control characters but line feeds");
    }
    Some(Template { body, subject: None, sender: Sender::default() })
}

fn is_no_text(text: &str) -> bool {
    text.chars().any(|symbol| symbol.is_control() && symbol != '\n')
}

/// Whether neither the text of a message nor what comes of it is too long. A code that is not known is as short as can be.
fn check_length(reader: &mut Reader, body: &str, code: Option<&CodeRule>) {
    let code_len = match code {
        Some(CodeRule::Generated { length, .. }) => usize::from(*length),
        Some(CodeRule::Forced(code)) => code.expose_secret().chars().count(),
        None => 1,
    };
    if body.chars().count().max(filled_len(body, code_len, ID_LEN)) > LONGEST_TEXT {
        reader.wrong("template.body", TOO_LONG);
    }
}

fn mail_template(reader: &mut Reader, template: &Object<'_>) -> Option<Template> {
    let body = template_body(reader, template);
    let subject = reader.line(template, "template.subject").unwrap_or_else(|| DEFAULT_SUBJECT.to_owned());
    let name = reader.line(template, "template.fromName");
    let sender = Sender { name, address: reader.line(template, "template.fromEmail") };
    Some(Template { body: body?, subject: Some(subject), sender })
}

/// Checked whenever it is there, also beside a forced code.
fn generate_code(reader: &mut Reader, root: &Object<'_>, channel: Channel) -> Option<(u8, Alphabet)> {
    let rule = reader.object(root, "generateCode", Need::Optional)?;
    let length = code_length(reader, &rule);
    let alphabet = symbol_set(reader, &rule, channel);
    Some((length?, alphabet?))
}

fn code_length(reader: &mut Reader, rule: &Object<'_>) -> Option<u8> {
    let path = "generateCode.length";
    let raw = reader.member(rule, path, Need::Required)?;
    let digits = match Kind::of(raw) {
        Kind::Number => raw.get().to_owned(),
        Kind::Text => serde_json::from_str(raw.get()).unwrap_or_default(),
        _ => String::new(),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        reader.wrong(path, "Incorrect number format");
        return None;
    }
    let length = digits.parse().ok().filter(|length| (1..=32).contains(length));
    if length.is_none() {
        reader.wrong(path, "must be between 1 and 32");
    }
    length
}

fn symbol_set(reader: &mut Reader, rule: &Object<'_>, channel: Channel) -> Option<Alphabet> {
    let path = "generateCode.symbolSet";
    let raw = reader.member(rule, path, Need::Required)?;
    let problem = match (Kind::of(raw), serde_json::from_str::<Vec<String>>(raw.get())) {
        (Kind::Array, Ok(sets)) if sets.is_empty() => "is not allowed to be empty",
        (Kind::Array, Ok(sets)) if sets.iter().any(String::is_empty) => "must have no empty set",
        (Kind::Array, Ok(sets)) if sets.iter().any(|set| set.contains('\0')) => "must not contain NUL",
        (Kind::Array, Ok(sets)) if channel == Channel::Sms && sets.iter().any(|set| set.contains(char::is_control)) => {
            NO_CONTROLS
        }
        (Kind::Array, Ok(sets)) => return Alphabet::of(&sets),
        (Kind::Array, Err(_)) => "must be an array of strings",
        _ => "must be an array",
    };
    reader.wrong(path, problem);
    None
}

struct Policy {
    lifetime: Option<chrono::TimeDelta>,
    forced_id: Option<String>,
    forces_code: bool,
    forced_code: Option<SecretString>,
}

fn policy_of(reader: &mut Reader, policy: &Object<'_>, rules: Rules<'_>) -> Policy {
    let lifetime = if rules.judges_lifetime {
        lifetime(reader, policy)
    } else {
        reader.text(policy, "policy.expiredOn", Need::Required).and_then(|text| lifetime::parse(&text))
    };
    let forced_id = forced_id(reader, policy);
    let forced_code = reader.text(policy, "policy.forcedCode", Need::Optional);
    if rules.channel == Channel::Sms && forced_code.as_deref().is_some_and(is_no_text) {
        reader.wrong("policy.forcedCode", NO_CONTROLS);
    }
    let forced_code = forced_code.map(SecretString::from);
    Policy { lifetime, forced_id, forces_code: policy.get("forcedCode").is_some(), forced_code }
}

/// What to give to start a verification by mail or text message.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the body, which is read by hand so that every problem is told")]
pub struct InitiateParams {
    /// The address to be proved, or the number, as `+4915112345678`.
    #[schema(example = "test@test.com")]
    consumer: String,
    /// The message.
    template: TemplateParams,
    /// How the code is made; not needed beside `policy.forcedCode`.
    generate_code: Option<GenerateCodeParams>,
    /// How long it lives, and what is forced.
    policy: PolicyParams,
    /// Any JSON of at most 4 KiB, given back unchanged.
    #[schema(value_type = Option<Object>)]
    payload: Option<serde_json::Value>,
}

/// A message with places for the code and the verification's id.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the body")]
pub struct TemplateParams {
    /// HTML for `email`, text of at most 480 characters for `phone`; every `{{{CODE}}}` and `{{{VERIFICATION_ID}}}` is replaced.
    #[schema(example = "Your code is {{{CODE}}}")]
    body: String,
    /// The subject line of a mail.
    #[schema(example = "Verification Email")]
    subject: Option<String>,
    /// Whom a mail is from.
    #[schema(example = "no-reply@example.org")]
    from_email: Option<String>,
    /// The name beside it.
    #[schema(example = "Example")]
    from_name: Option<String>,
}

/// How a code is made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the body")]
pub struct GenerateCodeParams {
    /// 1 to 32.
    #[schema(example = 6)]
    length: u8,
    /// `DIGITS`, `alphas`, `ALPHAS`, `SYMBOLS`, or characters of your own.
    #[schema(example = json!(["DIGITS"]))]
    symbol_set: Vec<String>,
}

/// How long a verification lives, and what is forced.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "describes the body")]
pub struct PolicyParams {
    /// A duration: `HH:MM:SS`, `HH:MM`, `D.HH:MM:SS` or ISO 8601; at most 30 days.
    #[schema(example = "01:00:00")]
    expired_on: String,
    /// The id to use. A live verification of this id and consumer is replaced.
    #[schema(example = "dc910ae0-7c67-4ace-8ebb-9edd4b5d8b0f")]
    forced_verification_id: Option<String>,
    /// The code to use; needs the scope `verify:forced_code`.
    #[schema(example = "123456")]
    forced_code: Option<String>,
}
