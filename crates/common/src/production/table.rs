//! Each rule with a breach of it: facts that are in order, one thing changed, and what is said of it.

use std::path::Path;

use super::{FileFacts, ListenerFacts, Peer, ProductionFacts, Refusal, Secret, SecretKind, check, refusals};
use crate::server::Origin;
use crate::tls::Transport;

const RING: &str = "k1:lvFtLpSdI5uEJw6vOtPp1QwZ3Yk8cXb0aGmN2rHs7Tc=";
const OTHER_RING: &str = "k1:9sQd0WnYfRx2VjB4KzUe7ThLcG5pAiM1oX3wD8yZqEk=";
const JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"rT5wQ9zXc1vB7nM3kL0pJ8hG6fD4sA2eYuIoPqWlKjs","x":"x"}"#;

fn secret(setting: &str, kind: SecretKind, value: &str) -> Secret {
    Secret { setting: setting.to_owned(), kind, value: Some(value.into()) }
}

fn ring(setting: &str, value: &str) -> Secret {
    secret(setting, SecretKind::KeyRing, value)
}

fn peer(url: &str) -> Peer {
    Peer { setting: "peer".to_owned(), url: Some(url.into()) }
}

fn listener(address: &str, encrypted: bool) -> ListenerFacts {
    ListenerFacts { setting: "bind".to_owned(), address: address.parse().expect("an address"), encrypted }
}

fn file(mode: u32) -> FileFacts {
    FileFacts { setting: "auth.keys_file".to_owned(), path: "/run/secrets/auth".into(), mode }
}

fn trusted(mode: u32) -> FileFacts {
    FileFacts { setting: "service_keys".to_owned(), path: "/etc/tessera/services.jwks".into(), mode }
}

fn origins(text: &str) -> Vec<Origin> {
    vec![Origin::try_from(text.to_owned()).expect("an origin")]
}

/// What a well set-up process has.
fn in_order() -> ProductionFacts {
    ProductionFacts {
        origin: "https://id.example".to_owned(),
        allowed_origins: origins("https://app.example"),
        trusted_proxies: vec!["10.0.0.0/8".to_owned().try_into().expect("a network")],
        address_factor: 1,
        transport: Transport::ByProfile,
        listeners: vec![listener("0.0.0.0", true), listener("127.0.0.1", false)],
        peers: vec![
            peer("https://sessions.internal:9080"),
            peer("postgres://auth:Rk4vHq8z@db.internal/auth"),
            peer("rediss://:Rk4vHq8z@cache.internal"),
            peer("amqps://auth:Rk4vHq8z@broker.internal/tessera"),
            peer("redis://127.0.0.1"),
            peer("amqp://guest:guest@localhost"),
        ],
        secrets: vec![
            ring("auth.keys", RING),
            ring("oauth.keys", OTHER_RING),
            secret("service_key", SecretKind::ServiceKey, JWK),
        ],
        secret_files: vec![file(0o100_600), file(0o100_640)],
        trust_files: vec![trusted(0o100_644)],
        texts_everywhere: false,
        service_ports: false,
        found: vec![],
    }
}

#[test]
fn what_is_in_order_is_not_refused() {
    assert_eq!(refusals(&in_order()), []);
}

#[test]
fn a_trusted_network_may_be_plain_if_that_is_said() {
    let plain = ProductionFacts {
        transport: Transport::TrustedNetwork,
        listeners: vec![listener("0.0.0.0", false)],
        peers: vec![
            peer("http://sessions:9080"),
            peer("postgres://auth:Rk4vHq8z@db/auth?sslmode=disable"),
            peer("redis://cache"),
            peer("amqp://auth:Rk4vHq8z@broker"),
        ],
        ..in_order()
    };
    assert_eq!(refusals(&plain), []);
}

#[test]
fn all_breaches_are_told_at_once_without_any_secret() {
    let facts = ProductionFacts {
        origin: String::new(),
        peers: vec![peer("amqp://auth:auth@broker")],
        secrets: vec![ring("auth.keys", RING), ring("oauth.keys", RING), ring("verify.keys", "hunter2")],
        service_ports: true,
        found: vec![Refusal::new("tls.key", "it cannot be read", "look")],
        ..in_order()
    };
    let told = check(&facts).expect_err("refused").to_string();
    for setting in ["`origin`", "`peer`", "`oauth.keys`", "`verify.keys`", "`service_ports`", "`tls.key`"] {
        assert!(told.contains(setting), "{setting}: {told}");
    }
    assert_eq!(told.lines().count(), 8, "a line for each and one before: {told}");
    assert!(!told.contains("auth:auth") && !told.contains("hunter2") && !told.contains(&RING[3..]), "{told}");
}

#[test]
fn permissions_are_those_of_the_file() {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let seen = FileFacts::look("auth.keys_file", file.path()).expect("it is there");
    assert_eq!(seen.mode & 0o777, 0o600);
    assert!(FileFacts::look("auth.keys_file", Path::new("/nonexistent")).is_none());
}

#[track_caller]
fn refused(change: impl FnOnce(&mut ProductionFacts), setting: &str, problem: &str) {
    let mut facts = in_order();
    change(&mut facts);
    let refusals = refusals(&facts);
    let [only] = refusals.as_slice() else { panic!("one refusal: {refusals:?}") };
    assert_eq!(only.setting, setting, "{only}");
    assert!(only.problem.contains(problem), "{only}");
    assert!(!only.mend.is_empty());
}

macro_rules! rows {
    ($($name:ident: $change:expr => $setting:literal, $problem:literal;)+) => {$(
        #[test]
        fn $name() {
            refused($change, $setting, $problem);
        }
    )+};
}

rows! {
    no_origin: |facts| facts.origin.clear() => "origin", "not set";
    a_plain_origin: |facts| facts.origin = "http://id.example".into() => "origin", "not https";
    no_origin_at_all: |facts| facts.origin = "id.example".into() => "origin", "not an origin";
    a_plain_allowed_origin: |facts| facts.allowed_origins = origins("http://app.example") => "allowed_origins", "not https";
    a_pattern_of_origins: |facts| facts.allowed_origins = origins("https://*.example") => "allowed_origins", "pattern";
    everybody_a_proxy: |facts| facts.trusted_proxies.push("0.0.0.0/0".to_owned().try_into().unwrap())
        => "trusted_proxies", "everybody";
    everybody_a_proxy_by_ipv6: |facts| facts.trusted_proxies.push("::/0".to_owned().try_into().unwrap())
        => "trusted_proxies", "everybody";
    limits_of_the_dev_profile: |facts| facts.address_factor = 100 => "limits.address_factor", "100";
    limits_of_nothing: |facts| facts.address_factor = 0 => "limits.address_factor", "0";

    a_plain_listener_for_others: |facts| facts.listeners = vec![listener("0.0.0.0", false)] => "tls.certificate", "`bind`";
    a_plain_listener_by_ipv6: |facts| facts.listeners = vec![listener("::", false)] => "tls.certificate", "`bind`";
    a_plain_listener_though_tls_is_said: |facts| {
        facts.transport = Transport::Tls;
        facts.listeners = vec![listener("192.0.2.1", false)];
    } => "tls.certificate", "192.0.2.1";
    a_plain_sibling: |facts| facts.peers = vec![peer("http://sessions:9080")] => "peer", "not encrypted";
    a_plain_cache: |facts| facts.peers = vec![peer("redis://:Rk4vHq8z@cache")] => "peer", "not encrypted";
    an_unverified_cache: |facts| facts.peers = vec![peer("rediss://:Rk4vHq8z@cache#insecure")] => "peer", "verified";
    a_plain_broker: |facts| facts.peers = vec![peer("amqp://auth:Rk4vHq8z@broker")] => "peer", "not encrypted";
    a_plain_mail_server: |facts| facts.peers = vec![peer("smtp://mail:25")] => "peer", "not encrypted";
    a_plain_database: |facts| facts.peers = vec![peer("postgres://auth:Rk4vHq8z@db/auth?sslmode=prefer")]
        => "peer", "not encrypted";
    an_unverified_database: |facts| facts.peers = vec![peer("postgres://auth:Rk4vHq8z@db/auth?sslmode=require")]
        => "peer", "verified";
    no_mail_server: |facts| facts.peers = vec![Peer { setting: "verify.smtp_url".to_owned(), url: None }]
        => "verify.smtp_url", "missing";
    no_url: |facts| facts.peers = vec![peer("db.internal")] => "peer", "not a URL";
    a_broker_for_guests: |facts| facts.peers = vec![peer("amqps://guest:guest@broker")] => "peer", "tries first";
    a_broker_for_guests_unsaid: |facts| facts.peers = vec![peer("amqps://broker")] => "peer", "guest";
    a_cache_for_all: |facts| facts.peers = vec![peer("rediss://cache")] => "peer", "no password";
    a_password_like_the_user: |facts| facts.peers = vec![peer("postgres://auth:auth@db/auth")] => "peer", "tries first";
    guests_on_a_trusted_network: |facts| {
        facts.transport = Transport::TrustedNetwork;
        facts.peers = vec![peer("amqp://guest:guest@broker")];
    } => "peer", "tries first";

    no_ring: |facts| facts.secrets = vec![Secret { value: None, ..ring("auth.keys", "") }] => "auth.keys", "missing";
    an_empty_ring: |facts| facts.secrets = vec![ring("auth.keys", "")] => "auth.keys", "missing";
    a_short_ring: |facts| facts.secrets = vec![ring("auth.keys", "k1:c2hvcnQ=")] => "auth.keys", "short";
    a_short_key_beside_a_good_one: |facts| facts.secrets = vec![ring("auth.keys", &format!("{RING},k0:c2hvcnQ="))]
        => "auth.keys", "short";
    a_ring_of_zeros: |facts| facts.secrets = vec![ring("auth.keys", "k1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=")]
        => "auth.keys", "pattern";
    a_ring_from_an_example: |facts| {
        facts.secrets = vec![ring("auth.keys", "k1:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=")];
    } => "auth.keys", "documents";
    one_ring_for_two: |facts| facts.secrets = vec![ring("auth.keys", RING), ring("oauth.keys", RING)]
        => "oauth.keys", "`auth.keys`";
    one_key_in_two_rings_under_other_names: |facts| {
        let renamed = format!("{OTHER_RING},old:{}", &RING[3..]);
        facts.secrets = vec![ring("auth.keys", RING), ring("oauth.keys", &renamed)];
    } => "oauth.keys", "`auth.keys`";
    no_service_key: |facts| facts.secrets = vec![Secret { value: None, ..secret("service_key", SecretKind::ServiceKey, "") }]
        => "service_key", "missing";
    a_service_key_without_a_private_part: |facts| {
        facts.secrets = vec![secret("service_key", SecretKind::ServiceKey, r#"{"kty":"OKP","x":"x"}"#)];
    } => "service_key", "not of its form";
    one_service_key_for_two: |facts| {
        facts.secrets =
            vec![secret("a", SecretKind::ServiceKey, JWK), secret("b", SecretKind::ServiceKey, &JWK.replace(',', ", "))];
    } => "b", "`a`";
    a_file_for_everybody: |facts| facts.secret_files.push(file(0o100_644)) => "auth.keys_file", "/run/secrets/auth";
    a_file_that_everybody_may_write: |facts| facts.secret_files.push(file(0o100_602)) => "auth.keys_file", "602";
    callers_that_everybody_may_add: |facts| facts.trust_files.push(trusted(0o100_666)) => "service_keys", "services.jwks";

    texts_to_everywhere: |facts| facts.texts_everywhere = true => "verify.sms.allowed_prefixes", "every number";
    service_ports: |facts| facts.service_ports = true => "service_ports", "ports";
}
