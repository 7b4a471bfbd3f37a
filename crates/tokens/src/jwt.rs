//! Making and checking JSON Web Tokens, all through `jsonwebtoken`.
//!
//! A verifier demands `typ`, the algorithm of the named key, `iss` and `aud`; the key is chosen by `kid` alone, from a set it trusts.
//! Times are judged by [`Clock`](tessera_common::clock::Clock), never by the machine's.

use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tessera_common::clock::Timestamp;

use crate::jwk::Algorithm;

/// Tolerance for the clocks of others, in seconds.
pub const LEEWAY_S: i64 = 60;

/// Longest token that is looked at, in bytes.
const MAX_LEN: usize = 8 * 1024;

/// A private key ready to sign.
#[derive(Clone, Debug)]
pub struct SigningKey {
    pub(crate) kid: String,
    pub(crate) algorithm: Algorithm,
    pub(crate) encoding: EncodingKey,
}

/// A public key ready to verify.
#[derive(Clone, Debug)]
pub struct VerifyingKey {
    /// The algorithm it is for; no other is accepted with it.
    pub algorithm: Algorithm,
    pub(crate) decoding: DecodingKey,
}

impl VerifyingKey {
    /// Reads a published key.
    ///
    /// # Errors
    /// [`TokenError::Untrusted`] when its members are not a key.
    pub fn of(jwk: &crate::jwk::Jwk) -> Result<Self, TokenError> {
        let decoding = jwk.members.decoding_key().map_err(|_| TokenError::Untrusted)?;
        Ok(Self { algorithm: jwk.alg, decoding })
    }
}

/// A token could not be signed.
#[derive(Debug, thiserror::Error)]
#[error("the token could not be signed: {0}")]
pub struct NotSigned(#[from] jsonwebtoken::errors::Error);

/// Why a token is refused. Callers are told no more than that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a JWS in compact form with the header that was asked for.
    #[error("malformed")]
    Malformed,
    /// Signed by no key that is trusted, or not by the key it names.
    #[error("not signed by a trusted key")]
    Untrusted,
    /// Past its end, or before its beginning.
    #[error("outside its lifetime")]
    Expired,
    /// Another issuer, audience or kind of token.
    #[error("not meant for this use")]
    NotForThis,
    /// The keys to check it with could not be had: later may succeed.
    #[error("the keys to check it are not available")]
    KeysUnavailable,
}

/// Signs `claims` as a token of kind `typ`. `category` is the client API's token class (`cat`), if any.
///
/// # Errors
/// [`NotSigned`] when the key is not usable.
pub fn sign(key: &SigningKey, typ: &str, category: Option<&str>, claims: &impl Serialize) -> Result<String, NotSigned> {
    let mut header = Header::new(key.algorithm.in_library());
    header.typ = Some(typ.to_owned());
    header.kid = Some(key.kid.clone());
    if let Some(category) = category {
        header.extras.insert("cat".to_owned(), category.to_owned());
    }
    Ok(jsonwebtoken::encode(&header, claims, &key.encoding)?)
}

/// Which key a token of kind `typ` names.
///
/// # Errors
/// [`TokenError::Malformed`] or [`TokenError::NotForThis`].
pub fn key_id(token: &str, typ: &str) -> Result<String, TokenError> {
    if token.len() > MAX_LEN || token.split('.').count() != 3 {
        return Err(TokenError::Malformed);
    }
    let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Malformed)?;
    // What must be understood is not, and a payload that is not base64url (RFC 7797) would be read in another way than signed.
    if header.crit.is_some() || header.extras.inner().contains_key("b64") {
        return Err(TokenError::Malformed);
    }
    if header.typ.as_deref() != Some(typ) {
        return Err(TokenError::NotForThis);
    }
    header.kid.ok_or(TokenError::Untrusted)
}

/// Checks the signature with `key`, then `iss` and `aud`, and answers the claims. Times are the caller's to judge.
///
/// # Errors
/// Any [`TokenError`] but [`TokenError::Expired`] and [`TokenError::KeysUnavailable`].
pub fn verify<C: DeserializeOwned>(
    token: &str,
    key: &VerifyingKey,
    issuer: &str,
    audience: &str,
) -> Result<C, TokenError> {
    use jsonwebtoken::errors::ErrorKind;
    let mut validation = Validation::new(key.algorithm.in_library());
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    validation.set_issuer(&[issuer]);
    validation.set_audience(&[audience]);
    let decoded = jsonwebtoken::decode::<C>(token, &key.decoding, &validation).map_err(|error| match error.kind() {
        ErrorKind::InvalidSignature | ErrorKind::InvalidAlgorithm => TokenError::Untrusted,
        ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => TokenError::NotForThis,
        _ => TokenError::Malformed,
    })?;
    Ok(decoded.claims)
}

/// Judges a token's lifetime, in Unix seconds, at `now`.
///
/// # Errors
/// [`TokenError::Expired`].
pub fn within_lifetime(now: Timestamp, not_before: i64, expires: i64) -> Result<(), TokenError> {
    let now = now.timestamp();
    let begun = not_before <= now.saturating_add(LEEWAY_S);
    // Our own tokens are judged by one clock in all services, so their end needs no tolerance.
    if begun && now < expires { Ok(()) } else { Err(TokenError::Expired) }
}
