//! The keys that services vouch for themselves with: a private one each, and the public ones of all.
//!
//! A key's `kid` begins with the name of its service (`auth.5fQ0…`), and nothing else says whose it is: the issuer of a token must be
//! the service of the key that signed it, so that a key of one service never vouches for another.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::{AsBigEndian as _, Curve25519SeedBin};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::jwk::{Algorithm, Jwk, PublicMembers};
use crate::jwt::{SigningKey, VerifyingKey};
use crate::kept_keys::{self, KeptKey};

/// Keys that a service may have at once: the present one, and the next or the last during a change.
const KEYS_PER_SERVICE: usize = 2;
/// Characters of a `kid` behind the service's name, made of the key's digest.
const KID_DIGEST_LEN: usize = 16;

/// Why keys of services cannot be used. Says which key, never what is in it.
#[derive(Debug, thiserror::Error)]
pub enum ServiceKeyError {
    /// Not a private Ed25519 key in JWK form (RFC 8037).
    #[error("a service's key is a private JWK: one JSON object with kty, crv, x, d, use, kid and alg; make a new one")]
    Malformed,
    /// Another service's key.
    #[error("the key {kid} is not of the service {service}: its kid would begin with `{service}.`")]
    NotOf {
        /// Who was to have it.
        service: String,
        /// Its name.
        kid: String,
    },
    /// Not a JWK set.
    #[error("the trusted keys are a JWK set: {{\"keys\": [...]}} with the public key of each service")]
    NotASet,
    /// A key of the set that is none, or not for this.
    #[error("key {0} of the set is not a public Ed25519 key with kid `<service>.<anything>`, alg EdDSA and use sig")]
    NotAKey(usize),
    /// A private key where only public ones belong.
    #[error("key {0} of the set is a private one: leave its member `d` out, and make that service a new key")]
    Private(usize),
    /// A name or a key that is there twice.
    #[error("key {0} of the set has the kid, or is the key, of one before it")]
    Repeated(usize),
    /// More keys of one service than a change needs.
    #[error("{0} has more than two keys in the set: take the retired ones out")]
    TooMany(String),
    /// The machine could not make a key.
    #[error("a key could not be made")]
    NotMade,
}

/// The private key that one service signs its calls with.
#[derive(Clone, Debug)]
pub struct ServiceKey {
    service: String,
    public: Jwk,
    pub(crate) signing: SigningKey,
}

#[derive(Deserialize)]
struct PrivateJwk {
    #[serde(flatten)]
    public: Jwk,
    d: SecretString,
}

impl ServiceKey {
    /// A new key for `service`, in the form that [`ServiceKey::parse`] reads. Its public half is [`ServiceKey::public`].
    ///
    /// # Errors
    /// [`ServiceKeyError::NotMade`].
    pub fn generate(service: &str) -> Result<SecretString, ServiceKeyError> {
        let pair = Ed25519KeyPair::generate().map_err(|_| ServiceKeyError::NotMade)?;
        let seed: Curve25519SeedBin<'_> =
            pair.seed().and_then(|seed| seed.as_be_bytes()).map_err(|_| ServiceKeyError::NotMade)?;
        let public = pair.public_key().as_ref();
        let name: String = URL_SAFE_NO_PAD.encode(digest(&SHA256, public)).chars().take(KID_DIGEST_LEN).collect();
        let text = json!({
            "kty": "OKP",
            "crv": "Ed25519",
            "x": URL_SAFE_NO_PAD.encode(public),
            "d": URL_SAFE_NO_PAD.encode(seed.as_ref()),
            "use": "sig",
            "kid": format!("{service}.{name}"),
            "alg": "EdDSA",
        });
        Ok(text.to_string().into())
    }

    /// Reads the key of `service`: a private JWK (RFC 8037), as one JSON object.
    ///
    /// # Errors
    /// When it is none, or another service's.
    pub fn parse(service: &str, text: &SecretString) -> Result<Self, ServiceKeyError> {
        let jwk: PrivateJwk = serde_json::from_str(text.expose_secret()).map_err(|_| ServiceKeyError::Malformed)?;
        let PrivateJwk { public, d } = jwk;
        if service_of(&public.kid) != Some(service) {
            return Err(ServiceKeyError::NotOf { service: service.to_owned(), kid: public.kid });
        }
        let x = public_bytes(&public).ok_or(ServiceKeyError::Malformed)?;
        let d =
            zeroize::Zeroizing::new(URL_SAFE_NO_PAD.decode(d.expose_secret()).map_err(|_| ServiceKeyError::Malformed)?);
        let pair = Ed25519KeyPair::from_seed_and_public_key(&d, &x).map_err(|_| ServiceKeyError::Malformed)?;
        let encoding = kept_keys::keep(KeptKey::Ed(pair));
        let signing = SigningKey { kid: public.kid.clone(), algorithm: Algorithm::EdDSA, encoding };
        Ok(Self { service: service.to_owned(), public, signing })
    }

    /// Whose it is.
    #[must_use]
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Its public half: what goes into everybody's set of trusted keys.
    #[must_use]
    pub const fn public(&self) -> &Jwk {
        &self.public
    }
}

/// The public keys that a service trusts: those of its siblings.
#[derive(Clone, Debug)]
pub struct ServiceKeys(HashMap<String, Trusted>);

#[derive(Clone, Debug)]
pub(crate) struct Trusted {
    pub(crate) service: String,
    pub(crate) key: VerifyingKey,
    public: [u8; 32],
}

impl ServiceKeys {
    /// Reads a JWK set: one key for each service, two during a change.
    ///
    /// # Errors
    /// Names the first key that does not belong there.
    pub fn parse(document: &str) -> Result<Self, ServiceKeyError> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let Set { keys } = serde_json::from_str(document).map_err(|_| ServiceKeyError::NotASet)?;
        let mut trusted: HashMap<String, Trusted> = HashMap::new();
        for (number, key) in (1..).zip(keys) {
            if key.get("d").is_some() {
                return Err(ServiceKeyError::Private(number));
            }
            let not_a_key = || ServiceKeyError::NotAKey(number);
            let jwk: Jwk = serde_json::from_value(key).map_err(|_| not_a_key())?;
            let service = service_of(&jwk.kid).ok_or_else(not_a_key)?.to_owned();
            let public = public_bytes(&jwk).ok_or_else(not_a_key)?;
            let key = VerifyingKey::of(&jwk).map_err(|_| not_a_key())?;
            if trusted.contains_key(&jwk.kid) || trusted.values().any(|other| other.public == public) {
                return Err(ServiceKeyError::Repeated(number));
            }
            if trusted.values().filter(|other| other.service == service).count() == KEYS_PER_SERVICE {
                return Err(ServiceKeyError::TooMany(service));
            }
            trusted.insert(jwk.kid, Trusted { service, key, public });
        }
        Ok(Self(trusted))
    }

    pub(crate) fn find(&self, kid: &str) -> Option<&Trusted> {
        self.0.get(kid)
    }
}

/// The service that a `kid` names.
fn service_of(kid: &str) -> Option<&str> {
    let (service, rest) = kid.split_once('.')?;
    let named = !service.is_empty() && service.chars().all(|letter| letter.is_ascii_lowercase());
    (named && !rest.is_empty()).then_some(service)
}

/// The 32 bytes of a public Ed25519 key that is to sign.
fn public_bytes(jwk: &Jwk) -> Option<[u8; 32]> {
    let PublicMembers::Okp { crv, x } = &jwk.members else { return None };
    let for_this = crv == "Ed25519" && jwk.alg == Algorithm::EdDSA && jwk.purpose == "sig";
    URL_SAFE_NO_PAD.decode(x).ok()?.try_into().ok().filter(|_| for_this)
}
