//! Signatures by parsed keys, made and verified, and nothing around them.

use std::hint::black_box;
use std::time::Duration;

use anyhow::Context as _;
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self as aws, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, ParsedPublicKey, RsaKeyPair};
use serde::Serialize;

use crate::figures::number;
use crate::machine::thread_cpu;
use crate::stopwatch::Stopwatch;

const TIME: Duration = Duration::from_millis(400);

/// About as long as what is signed of a token.
const MESSAGE: [u8; 400] = [b'x'; 400];

/// The cost of one signature, or of its verification.
#[derive(Clone, Debug, Serialize)]
pub struct Signing {
    /// RSA, 2048 bits.
    pub rs256_us: f64,
    /// The same, verified.
    pub rs256_verified_us: f64,
    /// ECDSA, P-256.
    pub es256_us: f64,
    /// Ed25519.
    pub eddsa_us: f64,
}

/// Measures each.
pub fn measure() -> anyhow::Result<Signing> {
    let random = SystemRandom::new();
    let made = |_: Unspecified| anyhow::anyhow!("a key cannot be made");
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).map_err(made)?;
    let mut signature = vec![0; rsa.public_modulus_len()];
    rsa.sign(&aws::RSA_PKCS1_SHA256, &random, &MESSAGE, &mut signature).map_err(made)?;
    let public = ParsedPublicKey::new(&aws::RSA_PKCS1_2048_8192_SHA256, rsa.public_key())?;
    let ec = EcdsaKeyPair::generate(&aws::ECDSA_P256_SHA256_FIXED_SIGNING).map_err(made)?;
    let ed = Ed25519KeyPair::generate().map_err(made)?;
    Ok(Signing {
        rs256_us: cost(|| rsa.sign(&aws::RSA_PKCS1_SHA256, &random, &MESSAGE, &mut signature))?,
        rs256_verified_us: cost(|| public.verify_sig(&MESSAGE, &signature))?,
        es256_us: cost(|| {
            black_box(ec.sign(&random, &MESSAGE)?);
            Ok(())
        })?,
        eddsa_us: cost(|| {
            black_box(ed.sign(&MESSAGE));
            Ok(())
        })?,
    })
}

fn cost(mut work: impl FnMut() -> Result<(), Unspecified>) -> anyhow::Result<f64> {
    let (begun, before) = (Stopwatch::start(), thread_cpu()?);
    let mut done = 0;
    while begun.elapsed() < TIME {
        work().ok().context("a signature failed")?;
        done += 1;
    }
    Ok((thread_cpu()? - before).as_secs_f64() * 1e6 / number(done))
}
