//! Codes on paper: ten of fifty bits, each good once.

use secrecy::SecretString;
use tessera_common::random::Random;
use zeroize::Zeroizing;

use super::code::Alphabet;

/// Codes of one set.
pub const CODES: usize = 10;

/// Symbols of one code: 10 of 32 are 50 bits.
const LENGTH: u8 = 10;

/// Digits and small letters without those that are mistaken for others, or make words.
const SYMBOLS: &str = "0123456789abcdefghjkmnpqrstvwxyz";

/// The codes of a new set.
#[must_use]
pub fn draw(random: &Random) -> Vec<SecretString> {
    let symbols = Alphabet::of(&[SYMBOLS]);
    symbols.map(|symbols| (0..CODES).map(|_| symbols.draw(LENGTH, random)).collect()).unwrap_or_default()
}

/// A code as it was meant: blanks and hyphens dropped, letters small, and what looks like a digit read as that digit.
#[must_use]
pub fn normalised(answer: &str) -> Zeroizing<String> {
    let meant = answer.chars().filter(|symbol| !symbol.is_whitespace() && *symbol != '-').flat_map(char::to_lowercase);
    let read = meant.map(|symbol| match symbol {
        'i' | 'l' => '1',
        'o' => '0',
        other => other,
    });
    Zeroizing::new(read.collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn a_set_has_ten_different_codes_of_fifty_bits() {
        assert_eq!(SYMBOLS.chars().collect::<BTreeSet<_>>().len(), 32);
        let codes = draw(&Random::seeded(1));
        let different: BTreeSet<_> = codes.iter().map(|code| code.expose_secret().to_owned()).collect();
        assert_eq!((codes.len(), different.len()), (10, 10));
        assert!(different.iter().all(|code| code.len() == 10 && code.chars().all(|symbol| SYMBOLS.contains(symbol))));
    }

    #[test]
    fn what_people_type_is_read_as_it_was_meant() {
        for (typed, meant) in
            [("Ab3De-fGh2j", "ab3defgh2j"), (" 01 - 10 ", "0110"), ("oO iIlL", "001111"), ("u", "u"), ("", "")]
        {
            assert_eq!(*normalised(typed), meant);
        }
    }

    proptest! {
        #[test]
        fn a_code_survives_how_it_is_written(seed: u64, blanks in "[ \\-\t]{0,3}", upper: bool) {
            for code in draw(&Random::seeded(seed)) {
                let code = code.expose_secret();
                let (front, back) = code.split_at(5);
                let typed = format!("{blanks}{front}{blanks}{back}").replace('0', "O").replace('1', "l");
                let typed = if upper { typed.to_uppercase() } else { typed };
                prop_assert_eq!(&*normalised(&typed), code);
            }
        }

        #[test]
        fn reading_twice_reads_the_same(typed in ".{0,20}") {
            let once = normalised(&typed);
            prop_assert_eq!(normalised(&once), once);
        }
    }
}
