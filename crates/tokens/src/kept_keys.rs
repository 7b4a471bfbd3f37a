//! Lets `jsonwebtoken` sign with keys that were parsed once.
//!
//! The library's own signers parse the private key again for each signature, which costs most of an RSA signer's rate. Its crypto
//! provider can be replaced, but only by plain functions, so the kept keys are found through a process-wide table: an
//! [`EncodingKey`] made here carries a handle in place of key material. Verification stays the library's.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Once, PoisonError, RwLock};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{self as aws, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RsaKeyPair};
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, aws_lc};
use jsonwebtoken::signature::{Error as SignatureError, Signer};
use jsonwebtoken::{Algorithm, EncodingKey, errors};

/// A parsed private key.
pub(crate) enum KeptKey {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

static KEPT: LazyLock<RwLock<HashMap<[u8; 8], Arc<KeptKey>>>> = LazyLock::new(RwLock::default);
static NEXT_HANDLE: AtomicU64 = AtomicU64::new(1);

static PROVIDER: LazyLock<CryptoProvider> = LazyLock::new(|| CryptoProvider {
    signer_factory: kept_signer,
    verifier_factory: aws_lc::DEFAULT_PROVIDER.verifier_factory,
    key_utils: aws_lc::DEFAULT_PROVIDER.key_utils.clone(),
});

/// Makes the provider the process's own. Harmless when called again.
fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error says that a provider is installed already; then signing fails on its first use, which tests would see.
        if PROVIDER.install_default().is_err() {
            tracing::error!("another JWT crypto provider was installed first: tokens cannot be signed");
        }
    });
}

/// Keeps a key and answers the library's handle to it. The key stays as long as the process: rings hold few.
pub(crate) fn keep(key: KeptKey) -> EncodingKey {
    install();
    let handle = NEXT_HANDLE.fetch_add(1, Ordering::Relaxed).to_be_bytes();
    let encoding = match &key {
        KeptKey::Rsa(_) => EncodingKey::from_rsa_der(&handle),
        KeptKey::Ec(_) => EncodingKey::from_ec_der(&handle),
        KeptKey::Ed(_) => EncodingKey::from_ed_der(&handle),
    };
    KEPT.write().unwrap_or_else(PoisonError::into_inner).insert(handle, Arc::new(key));
    encoding
}

fn kept_signer(algorithm: &Algorithm, key: &EncodingKey) -> errors::Result<Box<dyn JwtSigner>> {
    let unknown = || errors::Error::from(errors::ErrorKind::InvalidKeyFormat);
    let handle: [u8; 8] = key.as_bytes().try_into().map_err(|_| unknown())?;
    let kept = KEPT.read().unwrap_or_else(PoisonError::into_inner).get(&handle).cloned().ok_or_else(unknown)?;
    Ok(Box::new(KeptSigner { algorithm: *algorithm, key: kept }))
}

struct KeptSigner {
    algorithm: Algorithm,
    key: Arc<KeptKey>,
}

impl Signer<Vec<u8>> for KeptSigner {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        match (&*self.key, self.algorithm) {
            (KeptKey::Rsa(key), Algorithm::RS256) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&aws::RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature)
                    .map_err(SignatureError::from_source)?;
                Ok(signature)
            }
            (KeptKey::Ec(key), Algorithm::ES256) => {
                let signature = key.sign(&SystemRandom::new(), message).map_err(SignatureError::from_source)?;
                Ok(signature.as_ref().to_vec())
            }
            (KeptKey::Ed(key), Algorithm::EdDSA) => Ok(key.sign(message).as_ref().to_vec()),
            _ => Err(SignatureError::new()),
        }
    }
}

impl JwtSigner for KeptSigner {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl KeptKey {
    /// The public half as the members of a JWK.
    pub(crate) fn public(&self) -> crate::jwk::PublicMembers {
        use crate::jwk::PublicMembers;
        match self {
            Self::Rsa(key) => {
                let public = aws::RsaPublicKeyComponents::<Vec<u8>>::from(key.public_key());
                PublicMembers::rsa(&public.n, &public.e)
            }
            Self::Ec(key) => PublicMembers::p256(key.public_key().as_ref()),
            Self::Ed(key) => PublicMembers::ed25519(key.public_key().as_ref()),
        }
    }
}
