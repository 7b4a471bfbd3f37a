//! Codes of authenticator apps: RFC 6238 with HMAC-SHA-1, six digits and steps of 30 seconds, which is what every app can do.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret as _, SecretString};
use tessera_common::clock::Timestamp;
use tessera_common::random::Random;
use totp_rs::{Builder, Secret};
use uuid::Uuid;
use zeroize::Zeroizing;

/// Length of a secret, in bytes: that of the digest (RFC 4226, section 4).
pub const SECRET_LEN: usize = 20;

/// What stands in a URI's component as it is.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'!')
    .remove(b'~')
    .remove(b'*')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')');

/// What stands in the label as it is: a component's characters, and those that an address or a name may have and no app stumbles over.
const LABEL: &AsciiSet = &COMPONENT.remove(b'@').remove(b'+').remove(b',').remove(b';').remove(b'=').remove(b'$');

/// A new secret.
#[must_use]
pub fn new_secret(random: &Random) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(random.bytes::<SECRET_LEN>().to_vec())
}

/// A secret as people type it: base32 without padding.
#[must_use]
pub fn in_base32(secret: &[u8]) -> SecretString {
    Secret::from(secret).to_base32().into()
}

/// The link that an app reads the secret from: `otpauth://totp/<issuer>:<consumer>?secret=…`. Some apps take the parameters in no
/// other order.
#[must_use]
pub fn uri(secret: &[u8], issuer: &str, consumer: &str) -> SecretString {
    let base32 = in_base32(secret);
    let (label, name) = (utf8_percent_encode(issuer, LABEL), utf8_percent_encode(consumer, LABEL));
    let parameter = utf8_percent_encode(issuer, COMPONENT);
    let mut uri = String::with_capacity(160 + 6 * issuer.len() + 3 * consumer.len());
    // Writing to a text does not fail.
    let _ = write!(uri, "otpauth://totp/{label}:{name}?secret={}&issuer={parameter}", base32.expose_secret());
    uri.push_str("&algorithm=SHA1&digits=6&period=30");
    uri.into()
}

/// The step whose code `answer` is: the present one, the one before or the next (RFC 6238, section 5.2). Blanks, hyphens and the like
/// in it do not matter.
#[must_use]
pub fn step_of(secret: &[u8], answer: &str, now: Timestamp) -> Option<i64> {
    let seconds = u64::try_from(now.timestamp()).ok()?;
    let totp = Builder::new().with_secret(secret).build().ok()?;
    let step = totp.check(&normalised(answer), seconds)?;
    i64::try_from(step).ok()
}

/// Whether `answer` is the code of that step.
#[must_use]
pub fn is_code_of(secret: &[u8], answer: &str, step: i64) -> bool {
    let totp = Builder::new().with_secret(secret).with_skew(0).build();
    let seconds = u64::try_from(step).ok().and_then(|step| step.checked_mul(30));
    totp.ok().zip(seconds).is_some_and(|(totp, seconds)| totp.check(&normalised(answer), seconds).is_some())
}

/// Letters, digits and underscores alone.
fn normalised(answer: &str) -> Zeroizing<String> {
    Zeroizing::new(answer.chars().filter(|symbol| symbol.is_ascii_alphanumeric() || *symbol == '_').collect())
}

/// The authenticator of a consumer as it is stored. There is a secret in it, or two.
#[derive(Clone, Debug)]
pub struct Authenticator {
    /// The one whose codes prove.
    pub confirmed: Option<Sealed>,
    /// The one that waits for its first right code.
    pub pending: Option<Sealed>,
}

/// A secret, sealed to its owner and its id.
#[derive(Clone, Debug)]
pub struct Sealed {
    /// Which secret: a new one has a new id.
    pub id: Uuid,
    /// What is sealed.
    pub bytes: Vec<u8>,
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        DateTime::from_timestamp(seconds, 0).expect("a time")
    }

    fn uri_of(issuer: &str, consumer: &str) -> String {
        uri(b"12345678901234567890", issuer, consumer).expose_secret().to_owned()
    }

    /// RFC 6238, appendix B, the rows of SHA-1: the last six of their eight digits.
    #[test]
    fn codes_are_those_of_the_standard() {
        for (seconds, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            assert_eq!(step_of(b"12345678901234567890", &code[2..], at(seconds)), Some(seconds / 30), "{seconds}");
        }
    }

    /// Made by pyotp 2.12.0.
    #[test]
    fn codes_and_secrets_are_those_of_another_implementation() {
        for (base32, bytes, seconds, code) in include!("../../tests/vectors/authenticator.rs") {
            assert_eq!(in_base32(&bytes).expose_secret(), base32);
            assert_eq!(step_of(&bytes, code, at(seconds)), Some(seconds / 30), "{base32} at {seconds}");
        }
    }

    #[test]
    fn the_step_before_and_the_next_do_and_those_beyond_do_not() {
        let secret = b"12345678901234567890";
        // The code of step 37037036.
        for (seconds, expected) in [
            (37_037_036 * 30 - 31, None),
            (37_037_036 * 30 - 30, Some(37_037_036)),
            (37_037_036 * 30 + 59, Some(37_037_036)),
            (37_037_036 * 30 + 60, None),
        ] {
            assert_eq!(step_of(secret, "081804", at(seconds)), expected, "{seconds}");
        }
    }

    #[test]
    fn what_is_between_the_digits_does_not_matter_and_what_is_none_does() {
        let right = |answer| step_of(b"12345678901234567890", answer, at(1_111_111_109)).is_some();
        for answer in ["081804", "081 804", " 081-804\n", "0.8.1.8.0.4", "081\u{a0}804"] {
            assert!(right(answer), "{answer}");
        }
        for answer in ["", "81804", "0081804", "+81804", "081804_", "a081804", "０８１８０４", "081805"] {
            assert!(!right(answer), "{answer}");
        }
    }

    #[test]
    fn the_link_has_one_exact_form() {
        let rest = "secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let tail = "&algorithm=SHA1&digits=6&period=30";
        for (issuer, consumer, label, parameter) in [
            ("Jincor", "test@test.com", "Jincor:test@test.com", "Jincor"),
            ("My Shop", "a+b@x.test", "My%20Shop:a+b@x.test", "My%20Shop"),
            ("A/B&C", "ä", "A%2FB%26C:%C3%A4", "A%2FB%26C"),
            ("a?b#c:d%", "x/y&z?", "a%3Fb%23c%3Ad%25:x%2Fy%26z%3F", "a%3Fb%23c%3Ad%25"),
            ("a@b+c", "\u{1f511}", "a@b+c:%F0%9F%94%91", "a%40b%2Bc"),
            ("\"<>\\^`{|}", "\n", "%22%3C%3E%5C%5E%60%7B%7C%7D:%0A", "%22%3C%3E%5C%5E%60%7B%7C%7D"),
        ] {
            let expected = format!("otpauth://totp/{label}?{rest}&issuer={parameter}{tail}");
            assert_eq!(uri_of(issuer, consumer), expected);
        }
    }

    proptest! {
        #[test]
        fn an_app_reads_from_the_link_what_was_put_in(issuer in "\\PC{1,20}", consumer in ".{1,20}") {
            let uri = url::Url::parse(&uri_of(&issuer, &consumer)).expect("a URL");
            prop_assert_eq!(uri.host_str(), Some("totp"));
            prop_assert_eq!(uri.fragment(), None);
            let (label, name) = uri.path().trim_start_matches('/').split_once(':').expect("a label");
            let read = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().expect("a text").into_owned();
            prop_assert_eq!((read(label), read(name)), (issuer.clone(), consumer));
            let parameters: Vec<_> = uri.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
            let names: Vec<_> = parameters.iter().map(|(name, _)| name.as_str()).collect();
            prop_assert_eq!(names, ["secret", "issuer", "algorithm", "digits", "period"]);
            prop_assert_eq!(&parameters[1].1, &issuer);
        }

        #[test]
        fn only_six_digits_are_ever_right(answer in ".{0,12}", seconds in 0_i64..4_000_000_000) {
            if step_of(b"12345678901234567890", &answer, at(seconds)).is_some() {
                let kept = normalised(&answer);
                prop_assert!(kept.len() == 6 && kept.bytes().all(|byte| byte.is_ascii_digit()));
            }
        }
    }
}
