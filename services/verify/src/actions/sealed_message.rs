//! A sibling's message as it is kept, with the code that is in it, for as long as it may have to be sent again.

use secrecy::{ExposeSecret as _, SecretString};
use tessera_contracts::call::Failure;

use crate::domain::message::Message;
use crate::domain::verification::Key;
use crate::verify::Verify;

/// Seals a message for its verification.
pub fn seal(verify: &Verify, key: Key<'_>, message: &Message) -> Result<Vec<u8>, Failure> {
    let text = serde_json::to_string(message).map_err(|error| Failure::Internal(error.into()))?;
    verify.seal_code(key, &SecretString::from(text))
}

/// The message of a verification.
pub fn open(verify: &Verify, key: Key<'_>, sealed: &[u8]) -> Result<Message, Failure> {
    let text = verify.open_code(key, sealed)?;
    serde_json::from_str(text.expose_secret()).map_err(|error| Failure::Internal(error.into()))
}
