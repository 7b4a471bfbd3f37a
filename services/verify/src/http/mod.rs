//! HTTP: reads requests, calls actions, says the outcome in the dialect of the API.

mod common_params;
mod consumer;
mod dev_mailbox;
mod dev_messages;
mod initiate;
mod initiate_params;
mod internal;
mod json;
mod qr;
mod resend;
mod tenant_call;
mod validate;
mod verification;
mod verifier;

pub use internal::internal_endpoints;

use tessera_common::endpoints;
use tessera_common::server::Endpoints;

/// Every operation of this context on the public listener.
#[must_use]
pub fn endpoints() -> Endpoints {
    endpoints![
        initiate::post,
        resend::post,
        consumer::post_status,
        consumer::post_remove,
        validate::post,
        verifier::get,
        verifier::delete
    ]
    .checking_first::<tenant_call::Readable>("/methods")
}

/// What a developer reads caught messages by: for the dev profile only.
#[must_use]
pub fn dev_endpoints() -> Endpoints {
    endpoints![dev_messages::get, dev_mailbox::get]
}
