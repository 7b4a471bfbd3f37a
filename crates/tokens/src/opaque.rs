//! Opaque secrets: a prefix that says what it is, 256 random bits, and a checksum. Only digests are stored.
//!
//! The checksum lets scanners tell a leaked secret from noise, and lets a mistyped or cut one be refused without a query.

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret as _, SecretString};
use tessera_common::random::Random;
use uuid::Uuid;

use crate::key_ring::Mac;

/// What an opaque secret is good for; its prefix shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The accounts API's session token.
    Session,
    /// The secret of a browser client: the `__client` cookie, or a native app's token.
    BrowserClient,
    /// The challenge token of a sign-in that waits for its second factor.
    Challenge,
}

/// Random bytes in a secret.
const RANDOM_LEN: usize = 32;
/// Their length in base64url.
const ENCODED_LEN: usize = 43;
/// Length of the checksum: the start of a SHA-256, in base64url.
const CHECKSUM_LEN: usize = 6;

impl Kind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Session => "tss_",
            Self::BrowserClient => "tcl_",
            Self::Challenge => "tch_",
        }
    }

    /// A new secret of this kind.
    #[must_use]
    pub fn generate(self, random: &Random) -> SecretString {
        self.form(random.bytes())
    }

    /// The secret of this kind that belongs to `op`: a repeat of one intent gets the same, and still only its digest is stored.
    #[must_use]
    pub fn derive(self, mac: &Mac, op: Uuid) -> SecretString {
        self.form(mac.derive(&[self.prefix()], op.as_bytes()))
    }

    fn form(self, bytes: [u8; RANDOM_LEN]) -> SecretString {
        let mut secret = format!("{}{}", self.prefix(), URL_SAFE_NO_PAD.encode(bytes));
        secret.push_str(&checksum(&secret));
        secret.into()
    }

    /// The digest under which a presented secret would be stored; `None` if it cannot be one of this kind.
    #[must_use]
    pub fn digest(self, presented: &str) -> Option<Vec<u8>> {
        let well_formed = presented.starts_with(self.prefix())
            && presented.len() == self.prefix().len() + ENCODED_LEN + CHECKSUM_LEN
            && presented
                .split_at_checked(presented.len() - CHECKSUM_LEN)
                .is_some_and(|(body, sum)| checksum(body) == sum);
        well_formed.then(|| digest_of(presented))
    }
}

/// The digest under which `secret` is stored.
#[must_use]
pub fn stored_digest(secret: &SecretString) -> Vec<u8> {
    digest_of(secret.expose_secret())
}

fn digest_of(secret: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, secret.as_bytes()).as_ref().to_vec()
}

fn checksum(body: &str) -> String {
    let mut sum = URL_SAFE_NO_PAD.encode(digest_of(body));
    sum.truncate(CHECKSUM_LEN);
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_found_by_its_digest() {
        let secret = Kind::Session.generate(&Random::seeded(1));
        assert_eq!(Kind::Session.digest(secret.expose_secret()), Some(stored_digest(&secret)));
    }

    #[test]
    fn a_cut_longer_recased_or_foreign_secret_is_refused_before_any_query() {
        let secret = Kind::Session.generate(&Random::seeded(1)).expose_secret().to_owned();
        for wrong in [&secret[..secret.len() - 1], &format!("{secret}A"), &secret.to_uppercase(), "", "tss_", "tss_é"]
        {
            assert_eq!(Kind::Session.digest(wrong), None, "{wrong}");
        }
        assert_eq!(Kind::BrowserClient.digest(&secret), None);
    }
}
