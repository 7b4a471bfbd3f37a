//! HTTP: reads requests, calls actions, says the outcome in the dialect of the API.

mod accounts;
mod caller;
mod email_verification;
mod home;
mod login;
mod password;
mod sign_in;
mod sign_up;

use tessera_common::endpoints;
use tessera_common::server::Endpoints;

/// Every operation of this context on the public listener.
#[must_use]
pub fn endpoints() -> Endpoints {
    endpoints![
        home::get,
        sign_up::post,
        sign_in::post,
        password::put,
        password::patch,
        email_verification::post,
        email_verification::get,
        email_verification::edit,
        login::post,
    ]
}
