//! What a service's token proves, and what a callee refuses: each test but the first few is an attack.

use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::TimeDelta;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tessera_common::clock::{Clock, Timestamp};
use tessera_common::random::Random;
use tessera_tokens::jwt::TokenError;
use tessera_tokens::service_key::{ServiceKey, ServiceKeyError, ServiceKeys};
use tessera_tokens::service_token::{BoundRequest, ServiceTokenError, ServiceTokens};

const REQUEST: BoundRequest<'static> =
    BoundRequest { method: "POST", target: "/internal/verify/initiate", body: b"{\"id\":1}" };

/// auth, which calls; verify, which answers; and the secret of auth's key.
struct World {
    clock: Clock,
    auth: ServiceKey,
    secret: SecretString,
    verify: ServiceTokens,
}

fn set(keys: &[&ServiceKey]) -> Value {
    json!({ "keys": keys.iter().map(|key| key.public()).collect::<Vec<_>>() })
}

fn key_of(service: &str) -> ServiceKey {
    ServiceKey::parse(service, &ServiceKey::generate(service).unwrap()).unwrap()
}

impl World {
    fn new() -> Self {
        let clock = Clock::fixed(Timestamp::from_timestamp(1_800_000_000, 0).unwrap());
        let secret = ServiceKey::generate("auth").unwrap();
        let auth = ServiceKey::parse("auth", &secret).unwrap();
        let keys = ServiceKeys::parse(&set(&[&auth, &key_of("sessions")]).to_string()).unwrap();
        let verify = ServiceTokens::new(keys, "verify", clock.clone());
        Self { clock, auth, secret, verify }
    }

    fn token(&self) -> String {
        self.auth.vouch("verify", REQUEST, self.clock.now(), &Random::system()).unwrap()
    }

    fn check(&self, token: &str) -> Result<String, ServiceTokenError> {
        self.verify.check(token, REQUEST)
    }

    fn claims(&self) -> Value {
        let token = self.token();
        let payload = token.split('.').nth(1).unwrap();
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
    }

    /// A token that auth's own key signed, with another header or other claims than it would.
    fn forged(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let jwk: Value = serde_json::from_str(self.secret.expose_secret()).unwrap();
        let mut header = json!({ "typ": "svc+jwt", "alg": "EdDSA", "kid": jwk["kid"] });
        let mut claims = self.claims();
        change(&mut header, &mut claims);
        let seed = URL_SAFE_NO_PAD.decode(jwk["d"].as_str().unwrap()).unwrap();
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let message = format!("{header}.{claims}");
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(pair.sign(message.as_bytes())))
    }
}

fn refused(error: TokenError) -> Result<String, ServiceTokenError> {
    Err(ServiceTokenError::Refused(error))
}

#[test]
fn a_call_is_vouched_for_once() {
    let world = World::new();
    let token = world.token();
    assert_eq!(world.check(&token), Ok("auth".to_owned()));
    assert_eq!(world.check(&token), Err(ServiceTokenError::Replayed));
    assert_eq!(world.check(&world.token()), Ok("auth".to_owned()));
    let honest = world.forged(|_, _| {});
    assert_eq!(world.check(&honest), Ok("auth".to_owned()), "so that what follows fails for its own reason");
}

#[test]
fn a_token_says_who_calls_whom_for_half_a_minute() {
    let world = World::new();
    let claims = world.claims();
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("auth"), &json!("verify")));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 30);
    // printf 'POST\n/internal/verify/initiate\n{"id":1}' | sha256sum
    assert_eq!(claims["req"], "AIG1l2mt3dCcVoZlna0s2kmcIk-c6UUXXvXKEJHGfRs");
}

#[test]
fn another_request_is_not_vouched_for() {
    let world = World::new();
    for other in [
        BoundRequest { method: "GET", ..REQUEST },
        BoundRequest { target: "/internal/verify/cancel", ..REQUEST },
        BoundRequest { target: "/internal/verify/initiate?", ..REQUEST },
        BoundRequest { body: b"{\"id\":2}", ..REQUEST },
        BoundRequest { body: b"", ..REQUEST },
        BoundRequest { target: "/internal/verify/initiate\n{\"id\":1}", body: b"", ..REQUEST },
    ] {
        assert_eq!(world.verify.check(&world.token(), other), refused(TokenError::NotForThis), "{other:?}");
    }
}

#[test]
fn a_token_ends() {
    let world = World::new();
    let (fresh, late) = (world.token(), world.token());
    world.clock.advance(TimeDelta::seconds(34));
    assert!(world.check(&fresh).is_ok());
    world.clock.advance(TimeDelta::seconds(1));
    assert_eq!(world.check(&late), refused(TokenError::Expired));
}

#[test]
fn a_token_of_a_clock_that_is_ahead_is_taken_within_the_tolerance() {
    let world = World::new();
    let ahead = |seconds: i64| {
        move |_: &mut Value, claims: &mut Value| {
            let iat = claims["iat"].as_i64().unwrap() + seconds;
            claims["iat"] = json!(iat);
            claims["exp"] = json!(iat + 30);
        }
    };
    assert!(world.check(&world.forged(ahead(5))).is_ok());
    assert_eq!(world.check(&world.forged(ahead(6))), refused(TokenError::Expired));
}

#[test]
fn a_life_longer_than_ours_is_refused() {
    let world = World::new();
    let long = world.forged(|_, claims| claims["exp"] = json!(claims["iat"].as_i64().unwrap() + 31));
    assert_eq!(world.check(&long), refused(TokenError::Expired));
}

#[test]
fn a_key_vouches_for_its_own_service_only() {
    let world = World::new();
    let for_sessions = world.forged(|_, claims| claims["iss"] = json!("sessions"));
    assert_eq!(world.check(&for_sessions), refused(TokenError::NotForThis));
    let by_kid = world.forged(|header, claims| {
        header["kid"] = json!("sessions.x");
        claims["iss"] = json!("sessions");
    });
    assert_eq!(world.check(&by_kid), refused(TokenError::Untrusted));
    let stranger = key_of("auth").vouch("verify", REQUEST, world.clock.now(), &Random::system()).unwrap();
    assert_eq!(world.check(&stranger), refused(TokenError::Untrusted));
}

#[test]
fn a_token_for_another_service_or_of_another_kind_is_refused() {
    let world = World::new();
    let elsewhere = world.auth.vouch("sessions", REQUEST, world.clock.now(), &Random::system()).unwrap();
    assert_eq!(world.check(&elsewhere), refused(TokenError::NotForThis));
    for typ in ["JWT", "at+jwt", ""] {
        let token = world.forged(|header, _| header["typ"] = json!(typ));
        assert_eq!(world.check(&token), refused(TokenError::NotForThis), "{typ}");
    }
    for member in ["iss", "aud", "iat", "exp", "jti", "req"] {
        let token = world.forged(|_, claims| drop(claims.as_object_mut().unwrap().remove(member)));
        assert!(world.check(&token).is_err(), "{member}");
    }
    let tampered = world.token().replacen("eyJ", "eyK", 1);
    assert!(world.check(&tampered).is_err());
}

#[test]
fn a_service_has_two_keys_during_a_change() {
    let world = World::new();
    let (old, new) = (key_of("auth"), key_of("auth"));
    let keys = ServiceKeys::parse(&set(&[&old, &new]).to_string()).unwrap();
    let verify = ServiceTokens::new(keys, "verify", world.clock.clone());
    for key in [old, new] {
        let token = key.vouch("verify", REQUEST, world.clock.now(), &Random::system()).unwrap();
        assert_eq!(verify.check(&token, REQUEST), Ok("auth".to_owned()));
    }
}

#[test]
fn a_set_that_could_be_misread_is_refused() {
    let (one, two, three) = (key_of("auth"), key_of("auth"), key_of("auth"));
    let parse = |set: &Value| ServiceKeys::parse(&set.to_string());
    assert!(matches!(parse(&set(&[&one, &two, &three])), Err(ServiceKeyError::TooMany(service)) if service == "auth"));
    assert!(matches!(parse(&set(&[&one, &one])), Err(ServiceKeyError::Repeated(2))));
    let shared = |kid: &str| {
        let mut set = set(&[&one, &one]);
        set["keys"][1]["kid"] = json!(kid);
        set
    };
    // One key under two names would vouch for two services.
    assert!(matches!(parse(&shared("sessions.x")), Err(ServiceKeyError::Repeated(2))));
    for (member, value) in [
        ("kid", json!("auth")),
        ("kid", json!(".x")),
        ("kid", json!("Auth.x")),
        ("kid", json!("auth.")),
        ("alg", json!("RS256")),
        ("crv", json!("Ed448")),
        ("x", json!("AAAA")),
        ("use", json!("enc")),
        ("kty", json!("RSA")),
    ] {
        let mut set = set(&[&one]);
        set["keys"][0][member] = value;
        assert!(matches!(parse(&set), Err(ServiceKeyError::NotAKey(1))), "{member}");
    }
    let private: Value = serde_json::from_str(ServiceKey::generate("auth").unwrap().expose_secret()).unwrap();
    assert!(matches!(parse(&json!({ "keys": [private] })), Err(ServiceKeyError::Private(1))));
    assert!(matches!(ServiceKeys::parse("[]"), Err(ServiceKeyError::NotASet)));
}

#[test]
fn a_private_key_belongs_to_one_service_and_does_not_print() {
    let secret = ServiceKey::generate("auth").unwrap();
    assert!(matches!(ServiceKey::parse("verify", &secret), Err(ServiceKeyError::NotOf { .. })));
    let jwk: Value = serde_json::from_str(secret.expose_secret()).unwrap();
    let private = jwk["d"].as_str().unwrap();
    let key = ServiceKey::parse("auth", &secret).unwrap();
    assert!(!format!("{key:?}").contains(private) && !serde_json::to_string(key.public()).unwrap().contains(private));
    for (member, value) in [("d", json!("AAAA")), ("x", key_x(&key_of("auth"))), ("d", json!(null))] {
        let mut other = jwk.clone();
        other[member] = value;
        let error = ServiceKey::parse("auth", &other.to_string().into()).unwrap_err();
        assert!(matches!(error, ServiceKeyError::Malformed) && !error.to_string().contains(private), "{member}");
    }
}

fn key_x(key: &ServiceKey) -> Value {
    serde_json::to_value(key.public()).unwrap()["x"].clone()
}
