//! Filling in a message's places: literally, and in one pass, so that what was filled in is never looked at again.

const CODE: &str = "{{{CODE}}}";
const VERIFICATION_ID: &str = "{{{VERIFICATION_ID}}}";

/// The most places a template may have.
pub const MOST_PLACES: usize = 20;

/// The most characters of a text message, as it is given and as it is sent.
pub const LONGEST_TEXT: usize = 480;

/// How many places `template` has.
#[must_use]
pub fn places(template: &str) -> usize {
    template.matches(CODE).count() + template.matches(VERIFICATION_ID).count()
}

/// `template` with every `{{{CODE}}}` and `{{{VERIFICATION_ID}}}` replaced. Nothing else is special, nothing is escaped.
#[must_use]
pub fn fill_in(template: &str, code: &str, verification_id: &str) -> String {
    let mut filled = String::with_capacity(template.len() + code.len() + verification_id.len());
    let mut rest = template;
    while let Some((before, value, after)) = first_place(rest, code, verification_id) {
        filled.push_str(before);
        filled.push_str(value);
        rest = after;
    }
    filled.push_str(rest);
    filled
}

/// How many characters [`fill_in`] makes of `template` with values of these numbers of characters.
#[must_use]
pub fn filled_len(template: &str, code_len: usize, verification_id_len: usize) -> usize {
    let (codes, ids) = (template.matches(CODE).count(), template.matches(VERIFICATION_ID).count());
    let places = codes * CODE.len() + ids * VERIFICATION_ID.len();
    template.chars().count() - places + codes * code_len + ids * verification_id_len
}

fn first_place<'a>(text: &'a str, code: &'a str, verification_id: &'a str) -> Option<(&'a str, &'a str, &'a str)> {
    let of = |place: &str, value: &'a str| text.split_once(place).map(|(before, after)| (before, value, after));
    let found = [of(CODE, code), of(VERIFICATION_ID, verification_id)];
    found.into_iter().flatten().min_by_key(|(before, _, _)| before.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_place_is_filled_and_nothing_else_is_touched() {
        assert_eq!(fill_in("{{{CODE}}}-{{{VERIFICATION_ID}}}-{{{CODE}}}", "c", "i"), "c-i-c");
        for untouched in
            ["{{7*7}}", "{{{ CODE }}}", "{{CODE}}", "{{{code}}}", "{{#each}}x{{/each}}", "{{{OTHER}}}", "%{{{CODE}"]
        {
            assert_eq!(fill_in(untouched, "c", "i"), untouched);
        }
        assert_eq!(fill_in("{{{{CODE}}}}", "c", "i"), "{c}");
    }

    #[test]
    fn what_is_filled_in_is_not_a_template() {
        assert_eq!(fill_in("a {{{CODE}}} b", "{{{VERIFICATION_ID}}}", "i"), "a {{{VERIFICATION_ID}}} b");
        assert_eq!(fill_in("{{{CODE}}}", "$&$1\\0", "i"), "$&$1\\0");
        // Two values side by side do not make a third place.
        assert_eq!(fill_in("{{{CODE}}}CODE}}}", "{{{", "i"), "{{{CODE}}}");
    }

    proptest! {
        #[test]
        fn text_without_places_stays(text in "[^{]*", code in ".*") {
            prop_assert_eq!(fill_in(&text, &code, "i"), text);
        }

        #[test]
        fn the_length_is_known_before(text in "([^{}]|\\{\\{\\{CODE\\}\\}\\}|\\{\\{\\{VERIFICATION_ID\\}\\}\\}|[{}]){0,20}", code in ".{0,12}", id in ".{0,12}") {
            let filled = fill_in(&text, &code, &id);
            prop_assert_eq!(filled_len(&text, code.chars().count(), id.chars().count()), filled.chars().count());
        }

        #[test]
        fn the_pieces_between_places_stay_and_the_values_stand_between_them(
            pieces in prop::collection::vec("[^{}]{0,6}", 1..6), code in ".{0,12}"
        ) {
            prop_assert_eq!(places(&pieces.join(CODE)), pieces.len() - 1);
            prop_assert_eq!(fill_in(&pieces.join(CODE), &code, "i"), pieces.join(&code));
            prop_assert_eq!(fill_in(&pieces.join(VERIFICATION_ID), "c", &code), pieces.join(&code));
        }
    }
}
