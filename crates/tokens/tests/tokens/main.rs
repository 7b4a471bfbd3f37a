//! Signing keys on both engines, and what verifiers of access tokens and of services' tokens refuse.

#[cfg(test)]
#[macro_use]
mod support;

#[cfg(test)]
mod access_tokens;
#[cfg(test)]
mod kept_keys;
#[cfg(test)]
mod service_tokens;
#[cfg(test)]
mod signing_keys;
