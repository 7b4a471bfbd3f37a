//! Making codes.

use secrecy::SecretString;
use tessera_common::random::Random;

/// The symbols that a code is drawn from; at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alphabet(Vec<char>);

impl Alphabet {
    /// The symbols of these sets, one after the other: a name (`DIGITS`, `alphas`, `ALPHAS`, `SYMBOLS`; case counts) stands for its
    /// set, any other text for its own characters. `None` when there are none.
    #[must_use]
    pub fn of<S: AsRef<str>>(sets: &[S]) -> Option<Self> {
        let symbols: Vec<char> = sets.iter().flat_map(|set| expanded(set.as_ref()).chars()).collect();
        (!symbols.is_empty()).then_some(Self(symbols))
    }

    /// Digits alone: what a person types.
    #[must_use]
    pub fn digits() -> Self {
        Self(expanded("DIGITS").chars().collect())
    }

    /// Letters and digits: what stands in a link.
    #[must_use]
    pub fn link() -> Self {
        Self("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".chars().collect())
    }

    /// Whether some symbol is of a kind.
    #[must_use]
    pub fn any(&self, is_of_kind: fn(char) -> bool) -> bool {
        self.0.iter().copied().any(is_of_kind)
    }

    /// A code of `length` symbols, each drawn independently, no symbol's place in the alphabet likelier than another's.
    #[must_use]
    pub fn draw(&self, length: u8, random: &Random) -> SecretString {
        let places = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        let symbol = |_| self.0.get(usize::try_from(random.below(places)).unwrap_or_default());
        (0..length).filter_map(symbol).collect::<String>().into()
    }
}

fn expanded(set: &str) -> &str {
    match set {
        // Twice, so that digits weigh nearer to letters when sets are mixed.
        "DIGITS" => "01234567890123456789",
        "alphas" => "abcdefghijklmnopqrstuvwxyz",
        "ALPHAS" => "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "SYMBOLS" => "!@#$%^&*-+=|<>()[]{};:_",
        own => own,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use secrecy::ExposeSecret as _;

    use super::*;

    fn drawn(sets: &[&str], length: u8, seed: u64) -> String {
        let code = Alphabet::of(sets).expect("symbols").draw(length, &Random::seeded(seed));
        code.expose_secret().to_owned()
    }

    #[test]
    fn names_stand_for_sets_and_other_words_for_themselves() {
        let symbols = |set: &str| Alphabet::of(&[set]).map(|alphabet| alphabet.0.into_iter().collect::<String>());
        assert_eq!(symbols("SYMBOLS").map(|all| all.len()), Some(23));
        assert_eq!(symbols("digits").as_deref(), Some("digits"));
        assert_eq!(symbols("äö1").as_deref(), Some("äö1"));
        assert_eq!(Alphabet::of::<&str>(&[]), None);
        assert_eq!(Alphabet::of(&[""]), None);
    }

    #[test]
    fn in_a_mix_a_digit_is_twice_as_likely_as_a_letter() {
        let mut seen: BTreeMap<char, i32> = BTreeMap::new();
        for seed in 0..2_000 {
            drawn(&["DIGITS", "alphas"], 32, seed).chars().for_each(|symbol| *seen.entry(symbol).or_default() += 1);
        }
        // 64 000 draws over 46 places: 1391 for each place.
        for (symbol, n) in seen {
            let expected = if symbol.is_ascii_digit() { 2782 } else { 1391 };
            assert!((n - expected).abs() < expected / 6, "{symbol}: {n}");
        }
    }

    proptest! {
        #[test]
        fn a_code_has_its_length_and_only_symbols_of_its_sets(length in 1_u8..=32, own in "\\PC{1,8}", seed: u64) {
            let code = drawn(&["ALPHAS", &own], length, seed);
            prop_assert_eq!(code.chars().count(), usize::from(length));
            prop_assert!(code.chars().all(|symbol| symbol.is_ascii_uppercase() || expanded(&own).contains(symbol)));
        }
    }
}
