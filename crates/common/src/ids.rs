//! Typed ids: one kind per entity, so that mixing two is a compile error. Time-ordered UUIDs (version 7), never a secret.

use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use uuid::{Builder, Uuid};

use crate::clock::Timestamp;
use crate::random::Random;

/// A new UUIDv7 of this moment.
#[must_use]
pub fn new_v7(now: Timestamp, random: &Random) -> Uuid {
    let millis = u64::try_from(now.timestamp_millis()).unwrap_or(0);
    Builder::from_unix_timestamp_millis(millis, &random.unique()).into_uuid()
}

/// Declares typed ids: `typed_ids! { /// A user. UserId }`.
#[macro_export]
macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(uuid::Uuid);

        impl $name {
            /// A new id of this moment.
            #[must_use]
            pub fn new(now: $crate::clock::Timestamp, random: &$crate::random::Random) -> Self {
                Self($crate::ids::new_v7(now, random))
            }

            /// The UUID itself, for storage and for the APIs that show it.
            #[must_use]
            pub const fn uuid(self) -> uuid::Uuid {
                self.0
            }
        }

        impl From<uuid::Uuid> for $name {
            fn from(uuid: uuid::Uuid) -> Self {
                Self(uuid)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl $crate::__utoipa::PartialSchema for $name {
            fn schema() -> $crate::__utoipa::openapi::RefOr<$crate::__utoipa::openapi::Schema> {
                $crate::ids::schema()
            }
        }

        impl $crate::__utoipa::ToSchema for $name {}
    )+};
}

/// How the internal API describes a typed id.
#[doc(hidden)]
#[must_use]
pub fn schema() -> RefOr<Schema> {
    let format = SchemaFormat::KnownFormat(KnownFormat::Uuid);
    ObjectBuilder::new().schema_type(Type::String).format(Some(format)).into()
}

/// Seconds between the Unix epoch and the one that [`encode_prefixed`] counts from (2014-05-13).
const PREFIXED_EPOCH: u64 = 1_400_000_000;
/// Length of the base62 part of a prefixed id.
const PREFIXED_LEN: usize = 27;
const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The client API's form of an id: `<prefix>_` and 27 base62 characters, which are 20 bytes, big-endian: the UUID's seconds since
/// 2014 in 4 bytes, then the UUID's 16. Every id has exactly one such form.
#[must_use]
pub fn encode_prefixed(prefix: &str, id: Uuid) -> String {
    let mut bytes = [0_u8; 20];
    let (seconds, uuid) = bytes.split_at_mut(4);
    seconds.copy_from_slice(&prefixed_seconds(id).to_be_bytes());
    uuid.copy_from_slice(id.as_bytes());
    let mut digits = [b'0'; PREFIXED_LEN];
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0_u32;
        for byte in &mut bytes {
            let value = remainder << 8 | u32::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            remainder = value % 62;
        }
        *digit = usize::try_from(remainder).ok().and_then(|index| BASE62.get(index)).copied().unwrap_or(b'0');
    }
    format!("{prefix}_{}", String::from_utf8_lossy(&digits))
}

/// Reads what [`encode_prefixed`] writes. Anything else, also another spelling of a known id, is `None`.
#[must_use]
pub fn decode_prefixed(prefix: &str, text: &str) -> Option<Uuid> {
    let digits = text.strip_prefix(prefix)?.strip_prefix('_')?;
    if digits.len() != PREFIXED_LEN {
        return None;
    }
    let mut bytes = [0_u8; 20];
    for digit in digits.bytes() {
        let value = BASE62.iter().position(|known| *known == digit)?;
        let mut carry = u32::try_from(value).ok()?;
        for byte in bytes.iter_mut().rev() {
            let sum = u32::from(*byte) * 62 + carry;
            *byte = u8::try_from(sum & 0xff).ok()?;
            carry = sum >> 8;
        }
        if carry != 0 {
            return None;
        }
    }
    let (seconds, uuid) = bytes.split_first_chunk::<4>()?;
    let id = Uuid::from_slice(uuid).ok()?;
    let version_7 = id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122;
    (version_7 && prefixed_seconds(id) == u32::from_be_bytes(*seconds)).then_some(id)
}

fn prefixed_seconds(id: Uuid) -> u32 {
    let [a, b, c, d, e, f, ..] = *id.as_bytes();
    let millis = u64::from_be_bytes([0, 0, a, b, c, d, e, f]);
    u32::try_from((millis / 1000).saturating_sub(PREFIXED_EPOCH)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    #[test]
    fn ids_are_version_7_and_ordered_by_time() {
        let random = Random::seeded(1);
        let now = Clock::machine().now();
        let (first, later) = (new_v7(now, &random), new_v7(now + chrono::TimeDelta::milliseconds(1), &random));
        assert_eq!(first.get_version_num(), 7);
        assert!(first < later);
    }

    #[test]
    fn prefixed_ids_agree_with_the_published_vectors() {
        for (uuid, digits) in [
            ("0196f1bf-0000-7000-8000-00000000a001", "2xOcQzH6oF9zQ0RKk8AsuyeMNM1"),
            ("019a9d2e-4c00-7abc-8def-0123456789ab", "35hsTpdp6efr5GzFfaffDrKhAd9"),
        ] {
            let id: Uuid = uuid.parse().expect("a UUID");
            let text = format!("sess_{digits}");
            assert_eq!(encode_prefixed("sess", id), text);
            assert_eq!(decode_prefixed("sess", &text), Some(id));
            assert_eq!(decode_prefixed("user", &text), None);
        }
    }

    #[test]
    fn a_prefixed_id_has_one_spelling() {
        let text = "sess_2xOcQzH6oF9zQ0RKk8AsuyeMNM1";
        let other_seconds = text.replace("sess_2x", "sess_2y");
        for wrong in ["sess_", "sess_2xOcQzH6oF9zQ0RKk8AsuyeMNM", "sess_zzzzzzzzzzzzzzzzzzzzzzzzzzz", &other_seconds] {
            assert_eq!(decode_prefixed("sess", wrong), None, "{wrong}");
        }
    }
}
