//! What verifications are for, as far as counting wrong answers goes: a subject's are counted for each group by itself.

use tessera_contracts::ids::BrowserClientId;

/// A group of purposes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurposeGroup {
    /// Messages of a tenant.
    Tenant,
    /// Factors that nobody is asked for who has not proved another: nobody else can have them asked for.
    Factor,
    /// Proving addresses and numbers.
    Registration,
    /// Setting a new password.
    Recovery,
    /// A code alone.
    FirstFactor,
}

impl PurposeGroup {
    /// Its name in storage.
    const fn name(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Factor => "factor",
            Self::Registration => "registration",
            Self::Recovery => "recovery",
            Self::FirstFactor => "first factor",
        }
    }

    /// What wrong answers are counted under. Where strangers may begin, each browser has a count of its own, and everybody else one
    /// together: so a stranger's guesses block neither what people began at their browser, nor a factor.
    #[must_use]
    pub fn counted_for(self, browser: Option<BrowserClientId>) -> CountedFor {
        let is_open = matches!(self, Self::Registration | Self::Recovery | Self::FirstFactor);
        CountedFor(match browser.filter(|_| is_open) {
            Some(browser) => format!("{} {browser}", self.name()),
            None => self.name().to_owned(),
        })
    }
}

/// A group of purposes, and whose browser, as far as wrong answers are counted apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedFor(String);

impl CountedFor {
    /// As it is stored.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name under which its wrong answers are counted.
    #[must_use]
    pub fn wrong(&self) -> String {
        format!("wrong {}", self.0)
    }
}

impl From<String> for CountedFor {
    fn from(stored: String) -> Self {
        Self(stored)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn only_what_strangers_may_begin_is_counted_apart_for_a_browser() {
        let browser = |number| Some(BrowserClientId::from(Uuid::from_u128(number)));
        for open in [PurposeGroup::Registration, PurposeGroup::Recovery, PurposeGroup::FirstFactor] {
            let counts = [None, browser(1), browser(2)].map(|browser| open.counted_for(browser));
            assert!(counts[0] != counts[1] && counts[1] != counts[2] && counts[0] != counts[2], "{counts:?}");
        }
        for other in [PurposeGroup::Tenant, PurposeGroup::Factor] {
            assert_eq!(other.counted_for(browser(1)).as_str(), other.name());
        }
    }
}
