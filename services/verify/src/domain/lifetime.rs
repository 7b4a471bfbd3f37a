//! How long a verification lives, as tenants write it.

use chrono::TimeDelta;

/// The longest life.
pub const LONGEST: TimeDelta = TimeDelta::days(30);

/// Reads `[D.]HH:MM[:SS]` (hours may exceed 23, minutes and seconds 59) or an ISO 8601 duration of weeks, days, hours, minutes and
/// seconds. A sign in front is read; zero, and what is longer than [`LONGEST`] either way, is `None`, as is everything else.
#[must_use]
pub fn parse(text: &str) -> Option<TimeDelta> {
    let (sign, length) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let seconds = match length.strip_prefix('P') {
        Some(duration) => iso_seconds(duration)?,
        None => clock_seconds(length)?,
    };
    let in_range = seconds > 0 && seconds <= LONGEST.num_seconds();
    in_range.then(|| TimeDelta::seconds(sign * seconds))
}

fn clock_seconds(text: &str) -> Option<i64> {
    let (days, time) = text.split_once('.').map_or((Some(0), text), |(days, time)| (number(days), time));
    let mut parts = time.split(':').map(number);
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next().unwrap_or(Some(0))?);
    if parts.next().is_some() {
        return None;
    }
    sum([(days?, 86_400), (hours, 3_600), (minutes, 60), (seconds, 1)])
}

fn iso_seconds(text: &str) -> Option<i64> {
    if let Some(weeks) = text.strip_suffix('W') {
        return sum([(number(weeks)?, 7 * 86_400)]);
    }
    let (date, time) = match text.split_once('T') {
        // A `T` announces something.
        Some((_, "")) => return None,
        Some(parts) => parts,
        None => (text, ""),
    };
    let (days, rest_of_date) = component(date, 'D')?;
    let (hours, rest) = component(time, 'H')?;
    let (minutes, rest) = component(rest, 'M')?;
    let (seconds, rest) = component(rest, 'S')?;
    if !rest_of_date.is_empty() || !rest.is_empty() {
        return None;
    }
    sum([(days, 86_400), (hours, 3_600), (minutes, 60), (seconds, 1)])
}

/// The number before `unit`, and what follows; 0 where the unit does not occur.
fn component(text: &str, unit: char) -> Option<(i64, &str)> {
    text.split_once(unit).map_or(Some((0, text)), |(digits, rest)| Some((number(digits)?, rest)))
}

fn number(digits: &str) -> Option<i64> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    if all_digits { digits.parse().ok() } else { None }
}

fn sum<const N: usize>(parts: [(i64, i64); N]) -> Option<i64> {
    parts.iter().try_fold(0_i64, |sum, (count, unit)| sum.checked_add(count.checked_mul(*unit)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn seconds(text: &str) -> Option<i64> {
        parse(text).map(|life| life.num_seconds())
    }

    #[test]
    fn the_documented_and_the_accepted_forms() {
        for (text, expected) in [
            ("01:00:00", 3_600),
            ("00:01:00", 60),
            ("24:00:00", 86_400),
            ("25:61:61", 25 * 3_600 + 61 * 60 + 61),
            ("01:00", 3_600),
            ("1:0:1", 3_601),
            ("1.00:00:00", 86_400),
            ("720:00:00", 30 * 86_400),
            ("PT1H", 3_600),
            ("PT1H30M", 5_400),
            ("P1DT12H", 36 * 3_600),
            ("P1D", 86_400),
            ("P2W", 14 * 86_400),
            ("PT90S", 90),
            ("-01:00:00", -3_600),
            ("-PT1H", -3_600),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_lifetime() {
        for text in [
            "",
            "00:00:00",
            "abc",
            "3600",
            "1:2:3:4",
            ":00:01",
            "01:00:",
            "0x1:00",
            "01:00:00 ",
            " 01:00",
            "+01:00:00",
            "--01:00:00",
            "1..00:00",
            "01:00:00.5",
            "720:00:01",
            "9999999:00:00",
            "99999999999999999999:00",
            "9223372036854775807:59:59",
            "P",
            "PT",
            "P1DT",
            "PT1M1H",
            "PT1H1H",
            "P1M",
            "P1Y",
            "P1W1D",
            "PT-1H",
            "P1D2",
            "pt1h",
            "１:00",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_trouble_and_stays_in_range(text in "[-P0-9.:DTHMSW]{0,24}") {
            if let Some(life) = parse(&text) {
                prop_assert!(life.abs() <= LONGEST && !life.is_zero());
            }
        }

        #[test]
        fn hours_minutes_and_seconds_add_up(hours in 0_i64..700, minutes in 0_i64..1000, seconds in 1_i64..9999) {
            let expected = hours * 3600 + minutes * 60 + seconds;
            prop_assert_eq!(parse(&format!("{hours:02}:{minutes:02}:{seconds:02}")), Some(TimeDelta::seconds(expected)));
            prop_assert_eq!(parse(&format!("PT{hours}H{minutes}M{seconds}S")), Some(TimeDelta::seconds(expected)));
        }
    }
}
