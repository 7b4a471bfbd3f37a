//! Mail addresses: one canonical form for all services.

use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

/// Longest address, in bytes (RFC 5321, 4.5.3.1.3, less the angle brackets).
const MAX_LEN: usize = 254;

/// Exactly one mailbox, as it was given and in canonical form: trimmed, NFC, lower case.
///
/// The canonical form decides whether two addresses are the same. A domain without a dot (`a@localhost`) is fine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailAddress {
    given: String,
    canonical: String,
}

impl EmailAddress {
    /// Reads an address; `None` when it is not exactly one mailbox.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let given: String = text.trim().nfc().collect();
        let canonical: String = given.to_lowercase().nfc().collect();
        let (local, domain) = canonical.rsplit_once('@')?;
        let well_formed = canonical.len() <= MAX_LEN
            && !local.is_empty()
            && local.len() <= 64
            && !local.starts_with('.')
            && !local.ends_with('.')
            && !local.contains("..")
            && local.chars().all(is_local)
            && is_domain(domain);
        well_formed.then_some(Self { given, canonical })
    }

    /// As it was given, without blanks around it: what is shown.
    #[must_use]
    pub fn as_given(&self) -> &str {
        &self.given
    }

    /// What it is compared and stored by.
    #[must_use]
    pub fn canonical(&self) -> &str {
        &self.canonical
    }

    /// The address with most of its local part hidden: `j***@example.org`.
    #[must_use]
    pub fn masked(&self) -> String {
        let (local, domain) = self.given.rsplit_once('@').unwrap_or_default();
        format!("{}***@{domain}", local.chars().next().unwrap_or_default())
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.given)
    }
}

/// Letters and digits of any script, and the printable ASCII that RFC 5322 allows unquoted. Nothing invisible, no separator of lists
/// or headers.
fn is_local(c: char) -> bool {
    c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.".contains(c)
}

fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.chars().all(|c| c.is_alphanumeric() || c == '-')
    };
    !domain.is_empty() && domain.split('.').all(is_label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_mailbox_have_one_canonical_form() {
        let canonical = |text: &str| EmailAddress::parse(text).map(|address| address.canonical);
        assert_eq!(canonical("  Ada@Example.ORG "), Some("ada@example.org".to_owned()));
        assert_eq!(canonical("u\u{308}ber@example.org"), canonical("\u{fc}ber@example.org"));
        assert_eq!(canonical("a@localhost"), Some("a@localhost".to_owned()));
    }

    #[test]
    fn what_is_not_exactly_one_mailbox_is_refused() {
        for text in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "a b@example.org",
            "a@b@c",
            "victim@x.test,attacker@y.test",
            "a;b@x.test",
            "\"a b\"@x.test",
            "<a@x.test>",
            "a@x..test",
            "a@-x.test",
            "a\u{200b}@x.test",
            "a\r\nbcc:b@x.test",
            "a\0@x.test",
            "@a,@b:c@d",
            ".a@x.test",
            "a..b@x.test",
        ] {
            assert_eq!(EmailAddress::parse(text), None, "{text:?}");
        }
        assert_eq!(EmailAddress::parse(&format!("{}@x.test", "a".repeat(250))), None);
    }

    #[test]
    fn a_masked_address_shows_one_letter() {
        assert_eq!(
            EmailAddress::parse("john@example.org").map(|address| address.masked()),
            Some("j***@example.org".to_owned())
        );
    }
}
