//! The contexts' traits over HTTP: `POST /internal/{service}/{method}` on the internal listeners.
//!
//! One file for each context that answers ([`verify`], [`sessions`], [`oauth`]) has both sides of each method: its name and limits, the
//! form of its input and output, the implementation of the trait that calls, and the operation that answers with the trait's local
//! implementation. What they have in common is here: [`Peer`] calls, `service_call` lets in, [`calls`] says who may, and
//! [`RemoteKeys`] checks access tokens with oauth's keys.

pub mod calls;
pub mod oauth;
pub mod sessions;
pub mod verify;

mod client;
mod context;
mod method;
mod peer;
mod remote_keys;
mod service_call;
mod wire;

pub use client::{ClientError, Clients};
pub use peer::Peer;
pub use remote_keys::RemoteKeys;

/// For each call: how many milliseconds the caller waits.
const TIMEOUT_MS: &str = "tessera-timeout-ms";
/// The services that a request has come through, commas between.
const PATH: &str = "tessera-path";
