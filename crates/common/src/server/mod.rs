//! The HTTP edge: what every request of every service passes through, and how a process listens and stops.

mod address;
mod body;
mod cookie;
mod cors;
mod edge;
mod endpoint;
mod listen;
pub mod metrics;
mod origin;
mod routing;
mod stop;
mod watched;

pub use address::{Caller, Network};
pub use body::{Body, MAX_BODY};
pub use cookie::{OneCookie, one_cookie};
pub use edge::{as_request, guard, is_ambiguous, not_found, request_id};
pub use endpoint::{Description, Endpoint, Endpoints};
pub use listen::{Listener, Serving, listen};
pub use origin::{Origin, SameOrigin};
pub use stop::{Stop, StopSignal};

/// What the edge of a process needs to know.
#[derive(Clone, Debug)]
pub struct EdgeSettings {
    /// Where browsers reach the platform.
    pub origin: Origin,
    /// Other origins whose pages may act on it.
    pub allowed_origins: Vec<Origin>,
    /// Whether any page on this machine may act on it (dev profile).
    pub allow_loopback_origins: bool,
    /// Whose forwarded addresses, and whose `traceparent`, are believed.
    pub trusted_proxies: Vec<Network>,
    /// Whether only our own services and operators reach this listener: every caller's `traceparent` is believed.
    pub callers_are_ours: bool,
}
