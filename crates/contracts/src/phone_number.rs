//! Telephone numbers: one form for all services.

use std::fmt;

/// Calling codes of one and two digits; all others have three (ITU-T E.164, annex to operational bulletin 991).
const SHORT_CALLING_CODES: &str = "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 \
                                   81 82 84 86 90 91 92 93 94 95 98";

/// A number in the international form of E.164: `+`, a first digit from 1 to 9, 7 to 15 digits in all, nothing else.
///
/// That is its only form: two numbers are the same if their texts are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// Reads a number; `None` when it is not in that form.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix('+')?;
        let well_formed = (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit());
        well_formed.then(|| Self(text.to_owned()))
    }

    /// The number, with its `+`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The code of its country or network, with the `+`: `+49`. Several countries share some of them.
    #[must_use]
    pub fn calling_code(&self) -> &str {
        let is_known = |len: &usize| {
            let code = self.0.get(1..*len).unwrap_or_default();
            SHORT_CALLING_CODES.split(' ').any(|known| known == code)
        };
        let len = [2, 3].into_iter().find(is_known).unwrap_or(4);
        self.0.get(..len).unwrap_or(&self.0)
    }

    /// The number with its middle hidden: `+49*****78`.
    #[must_use]
    pub fn masked(&self) -> String {
        let (start, end) = (self.calling_code(), self.0.get(self.0.len().saturating_sub(2)..).unwrap_or_default());
        format!("{start}*****{end}")
    }
}

impl fmt::Display for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_a_plus_and_7_to_15_digits_without_a_leading_zero() {
        for good in ["+4915112345678", "+1234567", "+123456789012345", "+390612345678"] {
            assert_eq!(PhoneNumber::parse(good).map(|number| number.to_string()).as_deref(), Some(good));
        }
        for bad in [
            "",
            "+",
            "4915112345678",
            "004915112345678",
            "+0151123456",
            "+123456",
            "+1234567890123456",
            "+49 151 12345678",
            " +4915112345678",
            "+4915112345678 ",
            "+49-151-12345678",
            "+49(0)15112345",
            "++4915112345678",
            "+4915112345678\n",
            "+４９15112345678",
            "+49151x2345678",
            "tel:+4915112345678",
        ] {
            assert_eq!(PhoneNumber::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_calling_code_has_one_two_or_three_digits() {
        for (number, code) in [
            ("+12025550123", "+1"),
            ("+79161234567", "+7"),
            ("+4915112345678", "+49"),
            ("+8613912345678", "+86"),
            ("+35312345678", "+353"),
            ("+881612345678", "+881"),
            ("+9991234567", "+999"),
        ] {
            let number = PhoneNumber::parse(number).expect("a number");
            assert_eq!(number.calling_code(), code);
            assert_eq!(number.masked(), format!("{code}*****{}", &number.as_str()[number.as_str().len() - 2..]));
        }
    }
}
