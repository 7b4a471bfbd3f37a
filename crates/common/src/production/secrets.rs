//! Secrets that are none: missing, short, published, or given to two.

use std::collections::BTreeSet;

use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::{ProductionFacts, Refusal};

/// Characters that 32 random bytes take in base64, without its padding.
const ENCODED_LEN: usize = 43;
/// Different characters that so many random ones have at the very least: fewer are a pattern.
const VARIETY: usize = 16;
/// Parts of secrets that stand in documents and examples.
const PUBLISHED: [&str; 2] = ["AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", "tessera-dev-secret"];

/// A secret of a process.
#[derive(Clone, Debug)]
pub struct Secret {
    /// Its setting.
    pub setting: String,
    /// What it is.
    pub kind: SecretKind,
    /// The secret, if there is one.
    pub value: Option<SecretString>,
}

/// What a secret is, and so where its randomness stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretKind {
    /// A key ring, `id:base64,id:base64`.
    KeyRing,
    /// A service's private key, as a JWK: its randomness is the member `d`.
    ServiceKey,
}

pub(super) fn refusals(facts: &ProductionFacts) -> Vec<Refusal> {
    let mut refusals: Vec<Refusal> = facts.secrets.iter().filter_map(weakness).collect();
    refusals.extend(shared(&facts.secrets));
    refusals
}

fn weakness(secret: &Secret) -> Option<Refusal> {
    let refuse = |problem: &str| Some(Refusal::new(&secret.setting, problem, secret.kind.mend()));
    let materials = secret.materials();
    if secret.value.as_ref().is_none_or(|value| value.expose_secret().is_empty()) {
        refuse("it is missing")
    } else if materials.iter().any(|material| material.len() < ENCODED_LEN) {
        refuse("it is too short, or not of its form")
    } else if materials.iter().any(|material| is_published(material)) {
        refuse("it stands in documents, or is a pattern")
    } else {
        None
    }
}

/// The second of each two settings that have a key in common.
fn shared(secrets: &[Secret]) -> Vec<Refusal> {
    let mut seen: Vec<(String, &str)> = Vec::new();
    let mut refusals = Vec::new();
    for secret in secrets {
        let materials: BTreeSet<String> =
            secret.materials().into_iter().filter(|material| !material.is_empty()).collect();
        let other = seen.iter().find(|(material, _)| materials.contains(material)).map(|(_, other)| *other);
        if let Some(other) = other {
            let problem = format!("it has a key in common with `{other}`");
            refusals.push(Refusal::new(&secret.setting, problem, secret.kind.mend()));
        }
        seen.extend(materials.into_iter().map(|material| (material, secret.setting.as_str())));
    }
    refusals
}

fn is_published(material: &str) -> bool {
    let different: BTreeSet<char> = material.chars().collect();
    different.len() < VARIETY || PUBLISHED.iter().any(|published| material.contains(published))
}

impl Secret {
    /// The random part of each key in it; empty where it has none.
    fn materials(&self) -> Vec<String> {
        let Some(value) = &self.value else { return Vec::new() };
        let value = value.expose_secret();
        match self.kind {
            SecretKind::KeyRing => value
                .split(',')
                .map(str::trim)
                .filter(|entry| !entry.is_empty())
                .map(|entry| entry.split_once(':').map_or("", |(_, key)| key).trim_end_matches('=').to_owned())
                .collect(),
            SecretKind::ServiceKey => {
                #[derive(Deserialize)]
                struct Private {
                    d: String,
                }
                vec![serde_json::from_str(value).map_or_else(|_| String::new(), |Private { d }| d)]
            }
        }
    }
}

impl SecretKind {
    const fn mend(self) -> &'static str {
        match self {
            Self::KeyRing => "write a ring of its own, as k1: and the answer of `openssl rand -base64 32`",
            Self::ServiceKey => "make a key for this service alone",
        }
    }
}
