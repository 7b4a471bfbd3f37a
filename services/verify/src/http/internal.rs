//! What siblings call when they are other processes: the methods of `VerifyApi`, answered as in one process.

use tessera_common::server::Endpoints;
use tessera_contracts::http::verify;

use crate::verify::Verify;

/// Every operation of this context on the internal listener. Its data must have this context and
/// [`ServiceTokens`](tessera_tokens::service_token::ServiceTokens).
#[must_use]
pub fn internal_endpoints() -> Endpoints {
    verify::endpoints::<Verify>()
}
