//! The one password policy of all APIs. A password is taken exactly as received: not trimmed, folded or normalised.

use secrecy::{ExposeSecret as _, SecretString};

use super::registration::Problem;

/// Fewest characters.
const MIN_CHARS: usize = 12;
/// Most bytes.
const MAX_BYTES: usize = 128;

/// Passwords that were found in breaches often enough to be tried first, one a line, in lower case and in order.
const BREACHED: &str = include_str!("breached_passwords.txt");

/// What is wrong with a password as a new one for `address`; empty for nothing.
#[must_use]
pub fn judge(password: &SecretString, address: &str, composition: bool) -> Vec<Problem> {
    let password = password.expose_secret();
    if password.is_empty() {
        return vec![Problem::Blank];
    }
    let mut problems = Vec::new();
    if password.chars().count() < MIN_CHARS {
        problems.push(Problem::TooShort);
    }
    if password.len() > MAX_BYTES {
        problems.push(Problem::TooLong);
    }
    if composition && !is_composed(password) || is_guessable(password, address) {
        problems.push(Problem::Guessable);
    }
    problems
}

fn is_composed(password: &str) -> bool {
    password.chars().any(char::is_lowercase)
        && password.chars().any(char::is_uppercase)
        && password.chars().any(|c| c.is_ascii_digit())
}

fn is_guessable(password: &str, address: &str) -> bool {
    let folded = password.to_lowercase();
    folded == address.to_lowercase() || BREACHED.lines().any(|known| known == folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(password: &str) -> Vec<Problem> {
        judge(&password.to_owned().into(), "ada@example.org", true)
    }

    #[test]
    fn twelve_characters_and_128_bytes_pass() {
        assert_eq!(judged("Secret1*2*3x"), []);
        assert_eq!(judged("Secret1*2*3"), [Problem::TooShort]);
        assert_eq!(judged(&format!("Aa1{}", "x".repeat(125))), []);
        assert_eq!(judged(&format!("Aa1{}", "x".repeat(126))), [Problem::TooLong]);
    }

    #[test]
    fn composition_is_a_setting_and_comes_after_length() {
        assert_eq!(judged("alllowercase1"), [Problem::Guessable]);
        assert_eq!(judged("short"), [Problem::TooShort, Problem::Guessable]);
        assert_eq!(judge(&"alllowercase".to_owned().into(), "", false), []);
    }

    #[test]
    fn breached_passwords_and_the_address_itself_are_guessable() {
        assert_eq!(judged("Password1234"), [Problem::Guessable]);
        assert_eq!(judge(&"Ada1@example.org".to_owned().into(), "ada1@example.org", true), [Problem::Guessable]);
        assert_eq!(judged(""), [Problem::Blank]);
    }

    #[test]
    fn the_list_is_in_lower_case_in_order_and_long_enough_to_matter() {
        let lines: Vec<&str> = BREACHED.lines().collect();
        assert!(lines.iter().all(|line| *line == line.to_lowercase() && line.chars().count() >= MIN_CHARS));
        assert!(lines.is_sorted_by(|a, b| a < b));
    }
}
