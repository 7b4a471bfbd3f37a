//! Where text messages may go: numbers that begin in certain ways.

use serde::Deserialize;

/// The beginnings of numbers that text messages may be sent to. None at all means every number.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct AllowedPrefixes(Vec<String>);

impl AllowedPrefixes {
    /// Whether every number is allowed.
    #[must_use]
    pub const fn is_everywhere(&self) -> bool {
        self.0.is_empty()
    }

    /// The longest of the prefixes that `number` begins with; `calling_code` where every number is allowed, `None` where this one is
    /// not.
    #[must_use]
    pub fn of<'a>(&'a self, number: &str, calling_code: &'a str) -> Option<&'a str> {
        if self.is_everywhere() {
            return Some(calling_code);
        }
        let matching = self.0.iter().map(String::as_str).filter(|prefix| number.starts_with(prefix));
        matching.max_by_key(|prefix| prefix.len())
    }
}

impl TryFrom<Vec<String>> for AllowedPrefixes {
    type Error = String;

    fn try_from(prefixes: Vec<String>) -> Result<Self, String> {
        match prefixes.iter().find(|prefix| !is_prefix(prefix)) {
            Some(wrong) => Err(format!("`{wrong}` is not the beginning of a number; write +49, or +4915")),
            None => Ok(Self(prefixes)),
        }
    }
}

fn is_prefix(text: &str) -> bool {
    let Some(digits) = text.strip_prefix('+') else { return false };
    (1..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(prefixes: &[&str]) -> Result<AllowedPrefixes, String> {
        prefixes.iter().map(|prefix| (*prefix).to_owned()).collect::<Vec<_>>().try_into()
    }

    #[test]
    fn the_longest_prefix_of_a_number_counts() {
        let some = allowed(&["+49", "+4915", "+43"]).expect("prefixes");
        for (number, prefix) in [
            ("+4915112345678", Some("+4915")),
            ("+4930123456", Some("+49")),
            ("+43123456789", Some("+43")),
            ("+4412345678", None),
            ("+12025550123", None),
        ] {
            assert_eq!(some.of(number, "+0"), prefix, "{number}");
        }
        assert_eq!(AllowedPrefixes::default().of("+4412345678", "+44"), Some("+44"));
    }

    #[test]
    fn what_begins_no_number_is_no_prefix() {
        for wrong in ["", "+", "49", "+0", "+4 9", "+49*", "+1234567890123456"] {
            assert!(allowed(&["+49", wrong]).is_err(), "{wrong}");
        }
    }
}
