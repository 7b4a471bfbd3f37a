//! Signing keys on both engines, and what a verifier of access tokens refuses.

#[cfg(test)]
#[macro_use]
mod support;

#[cfg(test)]
mod access_tokens;
#[cfg(test)]
mod kept_keys;
#[cfg(test)]
mod signing_keys;
