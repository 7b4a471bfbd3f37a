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

    /// How far a great many draws are from what each symbol's places in the alphabet promise, as Pearson's chi-square over the symbols,
    /// beside the most that chance may make of it: twelve standard deviations above the mean.
    fn distance(alphabet: &Alphabet, seed: u64) -> (f64, f64) {
        let places = |symbols: &mut BTreeMap<char, f64>, symbol| *symbols.entry(symbol).or_default() += 1.0;
        let (mut expected, mut seen) = (BTreeMap::new(), BTreeMap::new());
        alphabet.0.iter().for_each(|symbol| places(&mut expected, *symbol));
        let random = Random::seeded(seed);
        for _ in 0..2_000 {
            alphabet.draw(32, &random).expose_secret().chars().for_each(|symbol| places(&mut seen, symbol));
        }
        let of_each = 64_000.0 / expected.values().sum::<f64>();
        let square = |(symbol, places): (&char, &f64)| {
            let promised = places * of_each;
            (seen.get(symbol).copied().unwrap_or_default() - promised).powi(2) / promised
        };
        let freedom = f64::from(u32::try_from(expected.len()).expect("few symbols")) - 1.0;
        (expected.iter().map(square).sum(), freedom + 12.0 * (2.0 * freedom).sqrt())
    }

    /// Every alphabet that a set of ours makes alone, those that we draw from ourselves, and mixes in which digits weigh twice.
    fn alphabets() -> Vec<Alphabet> {
        let sets: [&[&str]; 8] = [
            &["DIGITS"],
            &["alphas"],
            &["ALPHAS"],
            &["SYMBOLS"],
            &["äö1-"],
            &["DIGITS", "alphas"],
            &["DIGITS", "ALPHAS", "alphas", "SYMBOLS"],
            &["DIGITS", "9"],
        ];
        let sets = sets.iter().map(|sets| Alphabet::of(sets).expect("symbols"));
        sets.chain([Alphabet::digits(), Alphabet::link()]).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4))]
        #[test]
        fn a_symbol_is_as_likely_as_its_places_in_the_alphabet_are_many(seed: u64) {
            for alphabet in alphabets() {
                let (distance, bound) = distance(&alphabet, seed);
                prop_assert!(distance < bound, "{distance} of {bound}: {alphabet:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_code_has_its_length_and_only_symbols_of_its_sets(
            length in 1_u8..=32,
            names in prop::sample::subsequence(vec!["DIGITS", "alphas", "ALPHAS", "SYMBOLS"], 0..=4),
            own in "\\PC{1,8}",
            seed: u64,
        ) {
            let sets = [names, vec![&own]].concat();
            let code = drawn(&sets, length, seed);
            prop_assert_eq!(code.chars().count(), usize::from(length));
            prop_assert!(code.chars().all(|symbol| sets.iter().any(|set| expanded(set).contains(symbol))));
        }
    }
}
