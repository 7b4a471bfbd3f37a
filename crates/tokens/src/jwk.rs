//! Public keys in JSON Web Key form (RFC 7517, RFC 7518, RFC 8037), public members only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::DecodingKey;
use serde::{Deserialize, Serialize};

/// The signature algorithms this platform makes and accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256 over a 2048-bit key.
    RS256,
    /// ECDSA with SHA-256 over P-256.
    ES256,
    /// Ed25519.
    EdDSA,
}

impl Algorithm {
    /// Its name in `alg`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RS256 => "RS256",
            Self::ES256 => "ES256",
            Self::EdDSA => "EdDSA",
        }
    }

    /// The algorithm of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        [Self::RS256, Self::ES256, Self::EdDSA].into_iter().find(|algorithm| algorithm.name() == name)
    }

    pub(crate) const fn in_library(self) -> jsonwebtoken::Algorithm {
        match self {
            Self::RS256 => jsonwebtoken::Algorithm::RS256,
            Self::ES256 => jsonwebtoken::Algorithm::ES256,
            Self::EdDSA => jsonwebtoken::Algorithm::EdDSA,
        }
    }
}

/// One public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Jwk {
    /// The key's members.
    #[serde(flatten)]
    pub members: PublicMembers,
    /// Always `sig`.
    #[serde(rename = "use")]
    pub purpose: String,
    /// The key's name, unique in its set.
    pub kid: String,
    /// The one algorithm the key is for.
    pub alg: Algorithm,
}

/// What differs by key type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kty")]
pub enum PublicMembers {
    /// RSA: modulus and exponent.
    #[serde(rename = "RSA")]
    Rsa {
        /// The modulus, base64url.
        n: String,
        /// The exponent, base64url.
        e: String,
    },
    /// A point on an elliptic curve.
    #[serde(rename = "EC")]
    Ec {
        /// The curve, `P-256`.
        crv: String,
        /// The point's x, base64url.
        x: String,
        /// The point's y, base64url.
        y: String,
    },
    /// An Edwards curve key.
    #[serde(rename = "OKP")]
    Okp {
        /// The curve, `Ed25519`.
        crv: String,
        /// The key, base64url.
        x: String,
    },
}

impl PublicMembers {
    pub(crate) fn rsa(n: &[u8], e: &[u8]) -> Self {
        Self::Rsa { n: URL_SAFE_NO_PAD.encode(n), e: URL_SAFE_NO_PAD.encode(e) }
    }

    /// `point` is the uncompressed form: a byte 4, then x and y of 32 bytes each.
    pub(crate) fn p256(point: &[u8]) -> Self {
        let (x, y) = point.get(1..).and_then(|xy| xy.split_at_checked(32)).unwrap_or_default();
        Self::Ec { crv: "P-256".to_owned(), x: URL_SAFE_NO_PAD.encode(x), y: URL_SAFE_NO_PAD.encode(y) }
    }

    pub(crate) fn ed25519(key: &[u8]) -> Self {
        Self::Okp { crv: "Ed25519".to_owned(), x: URL_SAFE_NO_PAD.encode(key) }
    }

    pub(crate) fn decoding_key(&self) -> jsonwebtoken::errors::Result<DecodingKey> {
        match self {
            Self::Rsa { n, e } => DecodingKey::from_rsa_components(n, e),
            Self::Ec { x, y, .. } => DecodingKey::from_ec_components(x, y),
            Self::Okp { x, .. } => DecodingKey::from_ed_components(x),
        }
    }
}

/// A JWK set as published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JwkSet {
    /// The keys, RSA first.
    pub keys: Vec<Jwk>,
}
