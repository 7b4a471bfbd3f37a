//! What is given to start a verification whose code is not sent, read with every problem it has.

use tessera_common::dialect::verification::Refusal;

use crate::actions::open_without_code::WithoutCode;
use crate::domain::method::Method;
use crate::http::common_params::{forced_id, lifetime, payload};
use crate::http::json::{self, Need, Object, Reader};

/// The longest name of a consumer or an issuer, in bytes: what still fits into a QR code, and into an index.
const LONGEST_NAME: usize = 255;

/// Reads what such methods have in common, and by `more` what one has besides. What the method has no use for is not looked at.
///
/// # Errors
/// Every problem at once.
pub fn read<T>(
    body: &str,
    method: Method,
    more: impl FnOnce(&mut Reader, &Object<'_>) -> Option<T>,
) -> Result<(WithoutCode, T), Refusal> {
    let mut reader = Reader::default();
    let root = reader.as_object(json::document(body)?, "");
    let given = root.and_then(|root| {
        let given = common(&mut reader, &root, method);
        let more = more(&mut reader, &root);
        given.zip(more)
    });
    let problems = reader.problems();
    given.filter(|_| problems.is_empty()).ok_or(Refusal::Invalid(problems))
}

fn common(reader: &mut Reader, root: &Object<'_>, method: Method) -> Option<WithoutCode> {
    let consumer = name(reader, root, "consumer");
    let policy = reader.object(root, "policy", Need::Required);
    let policy = policy.map(|policy| {
        if method == Method::Authenticator {
            // It has no effect, yet clients that send a wrong one to every method are told by every method.
            let _ = reader.text(&policy, "policy.forcedCode", Need::Optional);
        }
        (lifetime(reader, &policy), forced_id(reader, &policy))
    });
    let payload = payload(reader, root);
    let (lifetime, forced_id) = policy?;
    Some(WithoutCode { consumer: consumer?, lifetime: lifetime?, forced_id, payload })
}

/// A member that names somebody.
pub fn name(reader: &mut Reader, root: &Object<'_>, path: &'static str) -> Option<String> {
    let name = reader.text(root, path, Need::Required)?;
    if name.chars().any(char::is_control) {
        reader.wrong(path, "must not contain control characters");
        return None;
    }
    if name.len() > LONGEST_NAME {
        reader.wrong(path, "must be at most 255 bytes");
        return None;
    }
    Some(name)
}
