//! HTTP: reads requests, calls actions, says the outcome in the dialect of the API.

mod account_sessions;
mod caller;
mod client;
mod client_sessions;
mod client_view;
mod internal;
mod keys;
mod me;
mod version;

pub use internal::internal_endpoints;

use tessera_common::endpoints;
use tessera_common::server::Endpoints;

/// Every operation of this context on the public listener.
#[must_use]
pub fn endpoints() -> Endpoints {
    endpoints![
        account_sessions::list,
        account_sessions::get,
        account_sessions::delete,
        client::get,
        client_sessions::get,
        client_sessions::mint_token,
        client_sessions::end,
        client_sessions::remove,
        me::get,
        me::active_sessions,
        me::revoke,
        keys::well_known,
        keys::alias,
        version::get,
        version::alias,
    ]
}
