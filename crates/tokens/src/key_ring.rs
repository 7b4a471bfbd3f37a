//! A service's master keys, and what is derived from them: values sealed to their row, and keyed digests.
//!
//! A ring is `id:base64,id:base64,…` (32 bytes each). The first key seals and digests, all of them open and compare, so a ring is
//! rotated by putting a new key in front. Purposes are derived by HKDF, so what is made for one is worthless for another.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Prk, Salt};
use aws_lc_rs::{digest, hmac};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret as _, SecretString};
use tessera_common::random::Random;
use zeroize::Zeroizing;

/// Length of a master key, in bytes.
const KEY_LEN: usize = 32;
/// Length of the name under which a key is found again: the start of its id's digest.
const NAME_LEN: usize = 4;
/// Length of a keyed digest without its key's name.
const MAC_LEN: usize = 32;

/// The master keys of one service.
#[derive(Clone)]
pub struct KeyRing(Arc<Vec<MasterKey>>);

struct MasterKey {
    name: [u8; NAME_LEN],
    prk: Prk,
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyRing({} keys)", self.0.len())
    }
}

/// Why a ring cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum KeyRingError {
    /// Not of the form `id:base64,…`.
    #[error("a key ring is written id:base64,id:base64 with 32 bytes each; entry {0} is not")]
    Malformed(usize),
    /// Two keys have one id.
    #[error("two keys of the ring have the id of entry {0}")]
    Repeated(usize),
    /// No key at all.
    #[error("the key ring has no key")]
    Empty,
}

impl KeyRing {
    /// Reads a ring from its setting.
    ///
    /// # Errors
    /// Names the entry that is wrong, never its content.
    pub fn parse(text: &SecretString) -> Result<Self, KeyRingError> {
        let mut keys: Vec<MasterKey> = Vec::new();
        for (index, entry) in text.expose_secret().split(',').map(str::trim).filter(|e| !e.is_empty()).enumerate() {
            let (id, encoded) = entry.split_once(':').ok_or(KeyRingError::Malformed(index + 1))?;
            let key = Zeroizing::new(STANDARD.decode(encoded).map_err(|_| KeyRingError::Malformed(index + 1))?);
            if id.is_empty() || key.len() != KEY_LEN {
                return Err(KeyRingError::Malformed(index + 1));
            }
            let name = name_of(id);
            if keys.iter().any(|known| known.name == name) {
                return Err(KeyRingError::Repeated(index + 1));
            }
            keys.push(MasterKey { name, prk: Salt::new(HKDF_SHA256, b"tessera key ring").extract(&key) });
        }
        if keys.is_empty() { Err(KeyRingError::Empty) } else { Ok(Self(Arc::new(keys))) }
    }

    /// A new ring with one key, in the form that [`KeyRing::parse`] reads: what the dev profile writes to its data folder.
    #[must_use]
    pub fn generate(random: &Random) -> SecretString {
        let id = u32::from_le_bytes(random.bytes());
        let key = Zeroizing::new(random.bytes::<KEY_LEN>());
        format!("k{id:08x}:{}", STANDARD.encode(*key)).into()
    }

    /// What seals values for `purpose`.
    #[must_use]
    pub fn sealer(&self, purpose: &'static str) -> Sealer {
        Sealer(self.derive(purpose, |key| UnboundKey::new(&AES_256_GCM, key).ok().map(LessSafeKey::new)))
    }

    /// What makes keyed digests for `purpose`.
    #[must_use]
    pub fn mac(&self, purpose: &'static str) -> Mac {
        Mac(self.derive(purpose, |key| Some(hmac::Key::new(hmac::HMAC_SHA256, key))))
    }

    fn derive<K>(&self, purpose: &'static str, make: impl Fn(&[u8]) -> Option<K>) -> Derived<K> {
        let keys = self.0.iter().filter_map(|master| {
            let mut key = Zeroizing::new([0_u8; KEY_LEN]);
            let info = [purpose.as_bytes()];
            master.prk.expand(&info, HKDF_SHA256).and_then(|okm| okm.fill(key.as_mut())).ok()?;
            Some((master.name, make(key.as_ref())?))
        });
        Arc::new(keys.collect())
    }
}

type Derived<K> = Arc<Vec<([u8; NAME_LEN], K)>>;

fn name_of(id: &str) -> [u8; NAME_LEN] {
    let digest = digest::digest(&digest::SHA256, id.as_bytes());
    digest.as_ref().first_chunk().copied().unwrap_or_default()
}

/// Seals values under AES-256-GCM, bound to the place they are stored at.
#[derive(Clone)]
pub struct Sealer(Derived<LessSafeKey>);

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

/// A sealed value that did not open: wrong place, unknown key, or changed bytes.
#[derive(Debug, thiserror::Error)]
#[error("a sealed value does not open: it was moved, changed, or its key has left the ring")]
pub struct NotOpened;

impl Sealer {
    /// Seals `value` to `place`: the table, the row, and whoever it belongs to. Only the same place opens it.
    ///
    /// # Errors
    /// [`NotOpened`] when the cipher refuses, which it does for values of many gigabytes only.
    pub fn seal(&self, place: &[&str], value: &[u8], random: &Random) -> Result<Vec<u8>, NotOpened> {
        let (name, key) = self.0.first().ok_or(NotOpened)?;
        let nonce = random.bytes::<NONCE_LEN>();
        let mut body = value.to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad(place)), &mut body)
            .map_err(|_| NotOpened)?;
        Ok([name.as_slice(), &nonce, &body].concat())
    }

    /// Opens what was sealed to `place`.
    ///
    /// # Errors
    /// [`NotOpened`], without saying which of the reasons it was.
    pub fn open(&self, place: &[&str], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, NotOpened> {
        let (name, rest) = sealed.split_first_chunk::<NAME_LEN>().ok_or(NotOpened)?;
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>().ok_or(NotOpened)?;
        let (_, key) = self.0.iter().find(|(known, _)| known == name).ok_or(NotOpened)?;
        let mut body = Zeroizing::new(body.to_vec());
        let opened = key
            .open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad(place)), &mut body)
            .map_err(|_| NotOpened)?
            .len();
        body.truncate(opened);
        Ok(body)
    }
}

/// Each part with its length in front, so that no two places share their bytes.
fn aad(place: &[&str]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for part in place {
        bytes.extend_from_slice(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    bytes
}

/// Makes digests of values too short to be hashed plainly: without the key, a copy of the database does not allow guessing.
#[derive(Clone)]
pub struct Mac(Derived<hmac::Key>);

impl std::fmt::Debug for Mac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Mac")
    }
}

impl Mac {
    /// The digest of `value` at `place`, to be stored.
    #[must_use]
    pub fn digest(&self, place: &[&str], value: &[u8]) -> Vec<u8> {
        self.0
            .first()
            .map(|(name, key)| [name.as_slice(), tag(key, place, value).as_ref()].concat())
            .unwrap_or_default()
    }

    /// 32 bytes that only this key makes of `value` at `place`: for secrets that one intent gets again when it is repeated.
    #[must_use]
    pub fn derive(&self, place: &[&str], value: &[u8]) -> [u8; MAC_LEN] {
        let tag = self.0.first().map(|(_, key)| tag(key, place, value));
        tag.and_then(|tag| tag.as_ref().try_into().ok()).unwrap_or_default()
    }

    /// Whether `digest` was made of `value` at `place`, in constant time.
    #[must_use]
    pub fn matches(&self, place: &[&str], value: &[u8], digest: &[u8]) -> bool {
        let Some((name, mac)) = digest.split_first_chunk::<NAME_LEN>() else { return false };
        let Some((_, key)) = self.0.iter().find(|(known, _)| known == name) else { return false };
        mac.len() == MAC_LEN
            && aws_lc_rs::constant_time::verify_slices_are_equal(tag(key, place, value).as_ref(), mac).is_ok()
    }
}

fn tag(key: &hmac::Key, place: &[&str], value: &[u8]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    context.update(&aad(place));
    context.update(value);
    context.sign()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ring(text: &str) -> KeyRing {
        KeyRing::parse(&text.to_owned().into()).expect("a ring")
    }

    fn entry(id: &str, byte: u8) -> String {
        format!("{id}:{}", STANDARD.encode([byte; KEY_LEN]))
    }

    #[test]
    fn a_sealed_value_opens_at_its_own_place_only() {
        let sealer = ring(&entry("a", 1)).sealer("totp");
        let sealed = sealer.seal(&["authenticators", "row 1"], b"secret", &Random::seeded(1)).expect("sealed");
        assert_eq!(sealer.open(&["authenticators", "row 1"], &sealed).expect("opened").as_slice(), b"secret");
        assert!(sealer.open(&["authenticators", "row 2"], &sealed).is_err());
        assert!(sealer.open(&["authenticatorsrow 1"], &sealed).is_err());
        assert!(ring(&entry("a", 1)).sealer("other").open(&["authenticators", "row 1"], &sealed).is_err());
    }

    #[test]
    fn a_ring_is_rotated_by_a_new_key_in_front() {
        let (old, new) = (entry("old", 1), entry("new", 2));
        let sealed = ring(&old).sealer("p").seal(&["t"], b"v", &Random::seeded(1)).expect("sealed");
        let digest = ring(&old).mac("p").digest(&["t"], b"v");
        let both = ring(&format!("{new},{old}"));
        assert!(both.sealer("p").open(&["t"], &sealed).is_ok());
        assert!(both.mac("p").matches(&["t"], b"v", &digest));
        assert_ne!(both.mac("p").digest(&["t"], b"v"), digest);
        assert!(!ring(&new).mac("p").matches(&["t"], b"v", &digest));
    }

    #[test]
    fn a_digest_belongs_to_its_place_and_purpose() {
        let mac = ring(&entry("a", 1)).mac("codes");
        let digest = mac.digest(&["id"], b"123456");
        assert!(mac.matches(&["id"], b"123456", &digest));
        assert!(!mac.matches(&["id"], b"123457", &digest));
        assert!(!mac.matches(&["di"], b"123456", &digest));
        assert!(!ring(&entry("a", 1)).mac("other").matches(&["id"], b"123456", &digest));
    }

    #[test]
    fn an_unusable_ring_is_refused_by_entry() {
        let parse = |text: &str| KeyRing::parse(&text.to_owned().into());
        assert!(matches!(parse(""), Err(KeyRingError::Empty)));
        assert!(matches!(parse(&format!("{},b:short", entry("a", 1))), Err(KeyRingError::Malformed(2))));
        assert!(matches!(parse(&format!("{},{}", entry("a", 1), entry("a", 2))), Err(KeyRingError::Repeated(2))));
        assert!(parse(secrecy::ExposeSecret::expose_secret(&KeyRing::generate(&Random::seeded(3)))).is_ok());
    }
}
