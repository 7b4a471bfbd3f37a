//! What is given to start a verification of any method.

use chrono::TimeDelta;
use uuid::Uuid;

use super::json::{self, Need, Object, Reader};
use crate::domain::lifetime;

/// What is said of a lifetime that is none.
pub const INVALID_LIFETIME: &str = "expiredOn format is invalid";

/// The most bytes of a payload, and how deep it may nest.
const PAYLOAD: (usize, usize) = (4 * 1024, 8);

/// How long the verification is to live.
pub fn lifetime(reader: &mut Reader, policy: &Object<'_>) -> Option<TimeDelta> {
    let text = reader.text(policy, "policy.expiredOn", Need::Required)?;
    let life = lifetime::parse(&text).filter(|life| *life > TimeDelta::zero());
    if life.is_none() {
        reader.wrong("policy.expiredOn", INVALID_LIFETIME);
    }
    life
}

/// The id that the tenant wants.
pub fn forced_id(reader: &mut Reader, policy: &Object<'_>) -> Option<String> {
    let id = reader.text(policy, "policy.forcedVerificationId", Need::Optional)?;
    if !is_guid(&id) {
        reader.wrong("policy.forcedVerificationId", "must be a valid GUID");
        return None;
    }
    Some(id)
}

/// The hyphenated form, in either letter case.
fn is_guid(text: &str) -> bool {
    text.len() == 36 && Uuid::try_parse(text).is_ok()
}

/// What the tenant wants back.
pub fn payload(reader: &mut Reader, root: &Object<'_>) -> Option<String> {
    let raw = root.get("payload")?;
    let (most_bytes, most_depth) = PAYLOAD;
    if raw.get().len() > most_bytes {
        reader.wrong("payload", "must be at most 4096 bytes");
    } else if json::depth(raw) > most_depth {
        reader.wrong("payload", "must nest at most 8 deep");
    }
    Some(raw.get().to_owned())
}
