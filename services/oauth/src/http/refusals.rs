//! Refusals in the words of RFC 6749, 5.2 and RFC 8707, 2.

use tessera_common::dialect::Accident;
use tessera_common::dialect::oauth::Refusal;

use crate::actions::authenticate_client::NotAuthenticated;
use crate::actions::issue_own_token::NotIssued;
use crate::domain::client_authentication::NotOneMethod;
use crate::domain::own_token::NotGranted;
use crate::domain::token_request::Unreadable;

pub fn unreadable(error: Unreadable) -> Refusal {
    match error {
        Unreadable::Repeated => {
            Refusal::coded("invalid_request", "a parameter was sent twice, or in both of its spellings: send it once")
        }
        Unreadable::NoGrantType => Refusal::coded("invalid_request", "grant_type is missing"),
        Unreadable::UnsupportedGrantType => Refusal::coded(
            "unsupported_grant_type",
            "this grant is not served: see grant_types_supported in the metadata",
        ),
    }
}

pub fn not_one_method(NotOneMethod: NotOneMethod) -> Refusal {
    Refusal::coded("invalid_request", "authenticate by one method only: the Authorization header, or the form")
}

/// `basic`: the client tried HTTP Basic, and is told the scheme.
pub fn not_authenticated(error: NotAuthenticated, basic: bool) -> Refusal {
    match error {
        NotAuthenticated::Refused => Refusal::invalid_client(basic),
        NotAuthenticated::Limited(limited) => Accident::RateLimited(limited).into(),
        NotAuthenticated::Failed(failure) => failure.accident().into(),
    }
}

pub fn not_issued(error: NotIssued) -> Refusal {
    match error {
        NotIssued::NotGranted(NotGranted::UnauthorizedClient) => {
            Refusal::coded("unauthorized_client", "this client is not registered for this grant")
        }
        NotIssued::NotGranted(NotGranted::InvalidScope) => Refusal::coded(
            "invalid_scope",
            "a scope is unknown, malformed, or not one this client may have in a token of its own",
        ),
        NotIssued::NotGranted(NotGranted::InvalidTarget) => {
            Refusal::coded("invalid_target", "a resource is unknown, or no granted scope opens it")
        }
        NotIssued::Failed(failure) => failure.accident().into(),
    }
}
