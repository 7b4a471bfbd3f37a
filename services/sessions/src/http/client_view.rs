//! The client API's objects. Times are Unix milliseconds; what is not known is null.

use serde_json::{Value, json};
use tessera_common::clock::Timestamp;
use tessera_common::ids::encode_prefixed;
use tessera_tokens::client_cookie::CLIENT_MAX_AGE_S;

use crate::actions::show_client::{Shown, ShownSession};
use crate::domain::client::ClientKind;
use crate::domain::person::Person;
use crate::domain::session::Status;

/// The `Client` object.
pub fn client(shown: &Shown) -> Value {
    let Shown { client, sessions, now } = shown;
    let last_active = sessions
        .iter()
        .map(|shown| &shown.session)
        .find(|session| Some(session.id) == client.last_active_session && session.is_live(*now));
    let cookie_expires =
        (client.kind == ClientKind::Browser).then(|| client.rotated_at.timestamp_millis() + CLIENT_MAX_AGE_S * 1000);
    json!({
        "object": "client",
        "id": encode_prefixed("client", client.id.uuid()),
        "sessions": sessions.iter().map(|shown| session(shown, *now)).collect::<Vec<_>>(),
        "sign_in": null,
        "sign_up": null,
        "last_active_session_id": last_active.map(|session| encode_prefixed("sess", session.id.uuid())),
        "last_authentication_strategy": null,
        "cookie_expires_at": cookie_expires,
        "captcha_bypass": false,
        "created_at": client.created_at.timestamp_millis(),
        "updated_at": client.auth_changed_at.timestamp_millis(),
    })
}

/// The `Session` object.
pub fn session(shown: &ShownSession, now: Timestamp) -> Value {
    let ShownSession { session, person, token } = shown;
    let status = session.status(now);
    json!({
        "object": "session",
        "id": encode_prefixed("sess", session.id.uuid()),
        "status": status.name(),
        "expire_at": session.expire_at.timestamp_millis(),
        "abandon_at": session.abandon_at.timestamp_millis(),
        "last_active_at": session.last_active_at.timestamp_millis(),
        "last_active_token": token.as_ref().filter(|_| status == Status::Active).map(|jwt| json!({ "object": "token", "jwt": jwt })),
        "last_active_organization_id": null,
        "actor": null,
        "tasks": null,
        "user": person.as_ref().map(user),
        "public_user_data": person.as_ref().map(public_user_data),
        "factor_verification_age": session.factor_ages(now),
        "created_at": session.started_at.timestamp_millis(),
        "updated_at": session.updated_at.timestamp_millis(),
    })
}

fn public_user_data(person: &Person) -> Value {
    json!({
        "first_name": null,
        "last_name": null,
        "profile_image_url": "",
        "image_url": "",
        "has_image": false,
        "identifier": person.email,
    })
}

/// The `User` object. Private metadata never appears in it.
pub fn user(person: &Person) -> Value {
    json!({
        "object": "user",
        "id": encode_prefixed("user", person.user.uuid()),
        "external_id": null,
        "username": null,
        "first_name": null,
        "last_name": null,
        "image_url": "",
        "has_image": false,
        "profile_image_url": "",
        "primary_email_address_id": encode_prefixed("idn", person.user.uuid()),
        "primary_phone_number_id": null,
        "primary_web3_wallet_id": null,
        "email_addresses": [email_address(person)],
        "phone_numbers": [],
        "web3_wallets": [],
        "passkeys": [],
        "external_accounts": [],
        "saml_accounts": [],
        "organization_memberships": [],
        "password_enabled": true,
        "two_factor_enabled": false,
        "totp_enabled": false,
        "backup_code_enabled": false,
        "public_metadata": {},
        "unsafe_metadata": {},
        "last_sign_in_at": null,
        "last_active_at": null,
        "banned": false,
        "locked": false,
        "lockout_expires_in_seconds": null,
        "verification_attempts_remaining": 10,
        "create_organization_enabled": false,
        "create_organizations_limit": null,
        "delete_self_enabled": false,
        "legal_accepted_at": null,
        "created_at": person.created_at.timestamp_millis(),
        "updated_at": person.updated_at.timestamp_millis(),
    })
}

/// The primary address. A user has one address so far, so the user's own id names it.
fn email_address(person: &Person) -> Value {
    let verification = person
        .email_verified
        .then(|| json!({ "status": "verified", "strategy": "email_code", "attempts": null, "expire_at": null }));
    json!({
        "id": encode_prefixed("idn", person.user.uuid()),
        "object": "email_address",
        "email_address": person.email,
        "reserved": false,
        "verification": verification,
        "linked_to": [],
        "created_at": person.created_at.timestamp_millis(),
        "updated_at": person.updated_at.timestamp_millis(),
    })
}
