//! What a verifier of access tokens refuses: each test is an attack.

use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use futures::FutureExt as _;
use proptest::prelude::*;
use serde_json::{Value, json};
use tessera_common::clock::{Clock, Timestamp};
use tessera_tokens::access_token::{AccessTokens, PublicKeys};
use tessera_tokens::jwt::{TokenError, VerifyingKey};

const NOW: i64 = 1_800_000_000;
const ISSUER: &str = "https://id.example/oauth2";
const AUDIENCE: &str = "https://id.example/methods";

/// Holds the keys `ed` and `ec`, publishes them, and signs whatever it is told to.
#[derive(Debug)]
struct Signer {
    ed: Ed25519KeyPair,
    ec: EcdsaKeyPair,
}

#[async_trait]
impl PublicKeys for Signer {
    async fn find(&self, kid: &str) -> Result<Option<VerifyingKey>, TokenError> {
        let jwk = match kid {
            "ed" => self.ed_jwk(),
            "ec" => self.ec_jwk(),
            _ => return Ok(None),
        };
        VerifyingKey::of(&serde_json::from_value(jwk).unwrap()).map(Some)
    }
}

impl Signer {
    fn new() -> Self {
        let ec = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { ed: Ed25519KeyPair::generate().unwrap(), ec }
    }

    fn ed_jwk(&self) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": encode(self.ed.public_key()), "use": "sig", "kid": "ed", "alg": "EdDSA" })
    }

    fn ec_jwk(&self) -> Value {
        let point = self.ec.public_key().as_ref();
        let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
        json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "use": "sig", "kid": "ec", "alg": "ES256" })
    }

    /// Signs with the Ed25519 key, whatever header and payload say.
    fn sign(&self, header: &str, payload: &str) -> String {
        let message = format!("{}.{}", encode(header), encode(payload));
        let signature = self.ed.sign(message.as_bytes());
        format!("{message}.{}", encode(signature))
    }

    fn token(&self, claims: &Value) -> String {
        self.sign(HEADER, &claims.to_string())
    }

    fn with_header(&self, change: impl FnOnce(&mut Value)) -> String {
        let mut header: Value = serde_json::from_str(HEADER).unwrap();
        change(&mut header);
        self.sign(&header.to_string(), &claims().to_string())
    }

    fn with(&self, name: &str, value: Value) -> String {
        let mut claims = claims();
        claims[name] = value;
        self.token(&claims)
    }
}

const HEADER: &str = r#"{"typ":"at+jwt","alg":"EdDSA","kid":"ed"}"#;

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "tessera-dev", "aud": AUDIENCE, "client_id": "tessera-dev", "scope": "verify",
        "iat": NOW, "exp": NOW + 300, "jti": "0196f1bf-0000-7000-8000-00000000a001",
    })
}

/// Whether the resource accepts `token`, signed by `signer`'s keys.
fn check(signer: Signer, token: &str) -> Result<String, TokenError> {
    let clock = Clock::fixed(Timestamp::from_timestamp(NOW, 0).unwrap());
    let tokens = AccessTokens::new(Arc::new(signer), ISSUER.to_owned(), AUDIENCE.to_owned(), clock);
    tokens.check(token).now_or_never().unwrap().map(|claims| claims.sub)
}

#[track_caller]
fn refused(token: impl FnOnce(&Signer) -> String) -> TokenError {
    let signer = Signer::new();
    let token = token(&signer);
    match check(signer, &token) {
        Err(error) => error,
        Ok(_) => panic!("accepted: {token}"),
    }
}

#[test]
fn an_honest_token_is_accepted() {
    let signer = Signer::new();
    let token = signer.token(&claims());
    assert_eq!(check(signer, &token), Ok("tessera-dev".to_owned()));
    let signer = Signer::new();
    let token = signer.with("aud", json!(["https://id.example/admin", AUDIENCE]));
    assert!(check(signer, &token).is_ok());
}

#[test]
fn jwt_01_no_algorithm_in_any_letter_case() {
    for none in ["none", "None", "NONE", "nOnE", ""] {
        refused(|signer| signer.with_header(|header| header["alg"] = json!(none)));
        refused(|_| {
            let header = json!({ "typ": "at+jwt", "alg": none, "kid": "ed" });
            format!("{}.{}.", encode(header.to_string()), encode(claims().to_string()))
        });
    }
    refused(|signer| signer.with_header(|header| drop(header.as_object_mut().unwrap().remove("alg"))));
}

#[test]
fn jwt_02_a_public_key_as_a_shared_secret() {
    for alg in ["HS256", "HS384", "HS512"] {
        let error = refused(|signer| {
            let header = json!({ "typ": "at+jwt", "alg": alg, "kid": "ed" });
            let message = format!("{}.{}", encode(header.to_string()), encode(claims().to_string()));
            let key = hmac::Key::new(hmac::HMAC_SHA256, signer.ed.public_key().as_ref());
            format!("{message}.{}", encode(hmac::sign(&key, message.as_bytes())))
        });
        assert_eq!(error, TokenError::Untrusted);
    }
    // A key is for its one algorithm: the other key's name does not lend it another.
    assert_eq!(refused(|signer| signer.with_header(|header| header["kid"] = json!("ec"))), TokenError::Untrusted);
    assert_eq!(refused(|signer| signer.with_header(|header| header["alg"] = json!("ES256"))), TokenError::Untrusted);
}

#[test]
fn jwt_03_a_key_that_comes_with_the_token() {
    let stranger = Signer::new();
    let jwk = stranger.ed_jwk();
    for (member, value) in [
        ("jwk", jwk),
        ("jku", json!("https://evil.test/jwks")),
        ("x5u", json!("https://evil.test/cert")),
        ("x5c", json!([STANDARD.encode("certificate")])),
    ] {
        for kid in ["ed", "stranger"] {
            let token = stranger.with_header(|header| {
                header[member] = value.clone();
                header["kid"] = json!(kid);
            });
            assert_eq!(refused(|_| token), TokenError::Untrusted, "{member}");
        }
    }
}

#[test]
fn jwt_04_a_kid_that_is_more_than_a_name() {
    let long = "k".repeat(10 * 1024);
    for kid in
        ["", "../ed", "ed/", "ED", " ed", "ed\0", "' or 1=1 --", "https://evil.test/ed", "file:///etc/passwd", &long]
    {
        refused(|signer| signer.with_header(|header| header["kid"] = json!(kid)));
    }
    for kid in [json!(null), json!(1), json!(["ed"])] {
        refused(|signer| signer.with_header(|header| header["kid"] = kid));
    }
}

#[test]
fn jwt_07_an_end_that_is_no_end() {
    for exp in [
        json!(null),
        json!(""),
        json!("1900000000"),
        json!(1_800_000_300.5),
        json!(1e300),
        json!(u64::MAX),
        json!([NOW + 300]),
    ] {
        refused(|signer| signer.with("exp", exp));
    }
    for member in ["exp", "iat", "iss", "aud", "sub", "client_id", "jti"] {
        refused(|signer| {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(member);
            signer.token(&claims)
        });
    }
    assert_eq!(refused(|signer| signer.with("exp", json!(NOW))), TokenError::Expired);
    refused(|signer| signer.with("exp", json!(i64::MIN)));
}

#[test]
fn jwt_08_a_beginning_in_the_future() {
    for member in ["iat", "nbf"] {
        assert_eq!(refused(|signer| signer.with(member, json!(NOW + 61))), TokenError::Expired, "{member}");
        refused(|signer| signer.with(member, json!("soon")));
        let signer = Signer::new();
        let token = signer.with(member, json!(NOW + 60));
        assert!(check(signer, &token).is_ok(), "{member}");
    }
}

#[test]
fn jwt_09_a_token_for_another_service() {
    for aud in [
        json!("https://id.example/admin"),
        json!(["https://id.example/admin"]),
        json!([]),
        json!(""),
        json!(format!("{AUDIENCE}/")),
    ] {
        refused(|signer| signer.with("aud", aud));
    }
}

#[test]
fn jwt_10_another_kind_of_token() {
    for typ in ["JWT", "jwt", "AT+JWT", "logout+jwt", "svc+jwt", "at+jwt ", ""] {
        let error = refused(|signer| signer.with_header(|header| header["typ"] = json!(typ)));
        assert_eq!(error, TokenError::NotForThis, "{typ}");
    }
    refused(|signer| signer.with_header(|header| drop(header.as_object_mut().unwrap().remove("typ"))));
}

#[test]
fn jwt_11_another_issuer() {
    for iss in [
        "https://id.example/oauth2/",
        "https://ID.example/oauth2",
        "http://id.example/oauth2",
        "https://id.example",
        "",
    ] {
        assert_eq!(refused(|signer| signer.with("iss", json!(iss))), TokenError::NotForThis, "{iss}");
    }
    refused(|signer| signer.with("iss", json!([ISSUER])));
}

#[test]
fn jwt_12_a_form_that_can_be_read_in_two_ways() {
    for crit in [json!(["exp"]), json!(["b64"]), json!([])] {
        refused(|signer| signer.with_header(|header| header["crit"] = crit));
    }
    refused(|signer| signer.with_header(|header| header["b64"] = json!(false)));
    refused(|signer| signer.sign(r#"{"typ":"at+jwt","alg":"EdDSA","kid":"x","kid":"ed"}"#, &claims().to_string()));
    refused(|signer| signer.sign(HEADER, &claims().to_string().replacen('{', r#"{"sub":"admin","#, 1)));
    refused(|signer| signer.sign(HEADER, &claims().to_string().replacen('{', r#"{"exp":1,"#, 1)));
    let honest = |signer: &Signer| signer.token(&claims());
    for form in [" {}", "{} ", "{}\n", "{}=", "{}.", ".{}", "{}.e30", "e30.{}", "Bearer {}"] {
        refused(|signer| form.replace("{}", &honest(signer)));
    }
    refused(|signer| {
        let token = honest(signer);
        let (message, signature) = token.rsplit_once('.').unwrap();
        let padded = URL_SAFE.encode(URL_SAFE_NO_PAD.decode(signature).unwrap());
        format!("{message}.{padded}")
    });
}

#[test]
fn jwt_14_a_mebibyte_of_dots() {
    assert_eq!(refused(|_| ".".repeat(1024 * 1024)), TokenError::Malformed);
    assert_eq!(refused(|_| "a".repeat(1024 * 1024)), TokenError::Malformed);
    assert_eq!(refused(|signer| signer.with("scope", json!("x".repeat(8 * 1024)))), TokenError::Malformed);
}

#[test]
fn jwt_16_a_signature_that_is_none() {
    for range in [0..64, 0..32, 32..64] {
        refused(|signer| {
            let header = r#"{"typ":"at+jwt","alg":"ES256","kid":"ec"}"#;
            let message = format!("{}.{}", encode(header), encode(claims().to_string()));
            let mut signature = signer.ec.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec();
            signature[range].fill(0);
            format!("{message}.{}", encode(signature))
        });
    }
    refused(|signer| format!("{}.", signer.token(&claims()).rsplit_once('.').unwrap().0));
}

proptest! {
    /// One changed character anywhere, the middle of the signature included, and it is another token.
    #[test]
    fn jwt_16_only_the_token_itself_is_accepted(at in any::<prop::sample::Index>(), character in "[A-Za-z0-9_.=-]") {
        let signer = Signer::new();
        let token = signer.token(&claims());
        let at = at.index(token.len());
        let changed = format!("{}{character}{}", &token[..at], &token[at + 1..]);
        prop_assert_eq!(check(signer, &changed).is_ok(), changed == token);
    }

    #[test]
    fn noise_is_refused_and_nothing_panics(noise in ".{0,200}") {
        prop_assert!(check(Signer::new(), &noise).is_err());
    }
}
