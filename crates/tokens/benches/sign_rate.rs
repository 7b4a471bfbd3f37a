//! What a JWT costs above its signature: the rate of signing through this crate beside raw aws-lc-rs signatures of as many bytes.
//!
//! `cargo bench -p tessera-tokens` prints, for each algorithm, both rates and their ratio (the median of rounds taken in turns, so
//! that what else the machine does weighs on both).
#![expect(clippy::print_stdout, reason = "a benchmark prints")]
#![expect(clippy::expect_used, reason = "a benchmark that cannot be set up ends")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{self as aws, EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use chrono::TimeDelta;
use tessera_common::clock::Clock;
use tessera_common::random::Random;
use tessera_storage::Db;
use tessera_tokens::access_token::{AccessClaims, OneOrMany, TYP};
use tessera_tokens::jwk::Algorithm;
use tessera_tokens::key_ring::KeyRing;
use tessera_tokens::signing_keys::{KeySet, SigningKeys};

const ROUNDS: usize = 15;
const ROUND: Duration = Duration::from_millis(200);

const SET: KeySet = KeySet {
    name: "bench",
    algorithms: &[Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA],
    kid_prefix: "bk",
    token_life: TimeDelta::hours(1),
};

fn main() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let folder = tempfile::tempdir().expect("a folder");
    let keys = runtime.block_on(async {
        let db = Db::sqlite(&folder.path().join("keys.sqlite")).await.expect("a database");
        if let Db::Sqlite { write, .. } = &db {
            let table = include_str!("../migrations/sqlite/signing_keys.sql");
            sqlx::raw_sql(table).execute(write).await.expect("a table");
        }
        let random = Random::system();
        let ring = KeyRing::parse(&KeyRing::generate(&random)).expect("a ring");
        SigningKeys::open(db, &ring, Clock::machine(), random, SET).await.expect("keys")
    });
    let claims = claims();
    for algorithm in SET.algorithms.iter().copied() {
        let token = || keys.sign(algorithm, TYP, None, &claims).expect("signed");
        let signed = token();
        let message = signed.rsplit_once('.').expect("three parts").0.as_bytes();
        let raw = raw_signer(algorithm);
        report(algorithm, || drop(token()), || raw(message));
    }
}

/// The claims of an access token as oauth issues them.
fn claims() -> AccessClaims {
    AccessClaims {
        iss: "https://id.example/oauth2".to_owned(),
        sub: "tessera-dev".to_owned(),
        aud: OneOrMany::One("https://id.example/methods".to_owned()),
        client_id: "tessera-dev".to_owned(),
        scope: "verify verify:forced_code".to_owned(),
        iat: 1_768_471_200,
        exp: 1_768_471_500,
        jti: "0196f1bf-0000-7000-8000-00000000a001".to_owned(),
        sid: None,
        auth_time: None,
    }
}

type Signer = Box<dyn Fn(&[u8])>;

/// Signs with a parsed key of its own, and nothing else.
fn raw_signer(algorithm: Algorithm) -> Signer {
    let random = SystemRandom::new();
    match algorithm {
        Algorithm::RS256 => {
            let key = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
            Box::new(move |message| {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&aws::RSA_PKCS1_SHA256, &random, message, &mut signature).expect("signed");
            })
        }
        Algorithm::ES256 => {
            let key = EcdsaKeyPair::generate(&aws::ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
            Box::new(move |message| {
                black_box(key.sign(&random, message).expect("signed"));
            })
        }
        Algorithm::EdDSA => {
            let key = Ed25519KeyPair::generate().expect("a key");
            Box::new(move |message| {
                black_box(key.sign(message));
            })
        }
    }
}

fn report(algorithm: Algorithm, ours: impl Fn(), raw: impl Fn()) {
    let mut rounds: Vec<(f64, f64)> = (0..ROUNDS).map(|_| (rate(&ours), rate(&raw))).collect();
    rounds.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
    if let Some((ours, raw)) = rounds.get(ROUNDS / 2) {
        println!(
            "{:<6} {:>6.1} % of raw signing ({ours:.0}/s beside {raw:.0}/s)",
            algorithm.name(),
            ours / raw * 100.0
        );
    }
}

/// Times a second that `work` is done, on one core.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures")]
fn rate(work: &impl Fn()) -> f64 {
    let begun = Instant::now();
    let mut done = 0_u32;
    while begun.elapsed() < ROUND {
        work();
        done += 1;
    }
    f64::from(done) / begun.elapsed().as_secs_f64()
}
