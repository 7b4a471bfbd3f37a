//! The accounts API's forms: its user, its problems, and parameters that come as JSON or as a form.

use chrono::SecondsFormat;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use tessera_common::clock::Timestamp;
use tessera_common::dialect::accounts::{Problems as Said, Refusal};
use utoipa::ToSchema;

use crate::domain::registration::{Attribute, Problem, Problems};
use crate::domain::user::User;

/// A user as this API shows it. No other column leaves by it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AccountsUser)]
pub struct UserView {
    /// The user's number.
    #[schema(example = 1)]
    id: i64,
    /// The address, as given.
    #[schema(example = "ada@example.org")]
    email: String,
    /// Whether the address was proved.
    verified: bool,
    /// When the account was made.
    #[schema(example = "2026-03-04T17:20:33.632Z")]
    created_at: String,
    /// When it last changed.
    #[schema(example = "2026-03-04T17:20:33.632Z")]
    updated_at: String,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            id: user.number,
            email: user.email,
            verified: user.email_verified_at.is_some(),
            created_at: time(user.created_at),
            updated_at: time(user.updated_at),
        }
    }
}

/// A time as this API writes it: UTC, milliseconds, `Z`.
pub fn time(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A refusal of attributes in this API's words.
pub fn invalid(problems: &Problems) -> Refusal {
    let mut said = Said::none();
    for (attribute, problem) in problems {
        said.add(attribute_name(*attribute), message(*problem));
    }
    Refusal::Invalid(said)
}

const fn attribute_name(attribute: Attribute) -> &'static str {
    match attribute {
        Attribute::Email => "email",
        Attribute::Password => "password",
        Attribute::PasswordConfirmation => "password_confirmation",
    }
}

const fn message(problem: Problem) -> &'static str {
    match problem {
        Problem::Blank => "can't be blank",
        Problem::Invalid => "is invalid",
        Problem::Taken => "has already been taken",
        Problem::TooShort => "is too short (minimum is 12 characters)",
        Problem::TooLong => "is too long (maximum is 128 characters)",
        Problem::Guessable => "might easily be guessed",
        Problem::Unequal => "doesn't match Password",
    }
}

/// A parameter as it was sent. A number or a boolean is taken for its text, as a form would have sent it.
#[derive(Clone, Default)]
pub struct Param(Option<String>);

impl Param {
    /// Its text; empty when it was missing or null.
    pub fn text(self) -> String {
        self.0.unwrap_or_default()
    }

    /// Its text, unless it was missing or null.
    pub fn given(self) -> Option<String> {
        self.0
    }
}

impl std::fmt::Debug for Param {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Param")
    }
}

impl<'de> Deserialize<'de> for Param {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ParamVisitor)
    }
}

struct ParamVisitor;

impl Visitor<'_> for ParamVisitor {
    type Value = Param;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Param, E> {
        Ok(Param(Some(text.to_owned())))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<Param, E> {
        Ok(Param(Some(text)))
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Param, E> {
        Ok(Param(Some(value.to_string())))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Param, E> {
        Ok(Param(Some(value.to_string())))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Param, E> {
        Ok(Param(Some(value.to_string())))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Param, E> {
        Ok(Param(Some(value.to_string())))
    }

    fn visit_unit<E: Error>(self) -> Result<Param, E> {
        Ok(Param(None))
    }
}
