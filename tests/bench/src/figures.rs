//! Numbers from several rounds.

use serde::Serialize;

/// The middle of several rounds, with the least and the most.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
}

impl Spread {
    /// Of these; `None` of none. Of an even number the lower of the two in the middle.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Self> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len().saturating_sub(1) / 2;
        Some(Self { median: *sorted.get(middle)?, min: *sorted.first()?, max: *sorted.last()? })
    }

    /// As percents, without decimals: `83 [80-85]`.
    pub fn percent(&self) -> String {
        let Self { median, min, max } = self;
        format!("{:.0} [{:.0}-{:.0}]", median * 100.0, min * 100.0, max * 100.0)
    }
}

/// A count as a number to divide by. Beyond four thousand million, which nothing here reaches, it stays there.
pub fn number(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_rounds_is_not_moved_by_one_bad_round() {
        assert_eq!(Spread::of([0.81, 0.2, 0.83]), Some(Spread { median: 0.81, min: 0.2, max: 0.83 }));
        assert_eq!(Spread::of([]), None);
        assert_eq!(Spread::of([0.8, 0.7]).map(|spread| spread.percent()).as_deref(), Some("70 [70-80]"));
    }
}
