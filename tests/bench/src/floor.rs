//! The least that an answer can cost: the sum of the operations that no correct server can skip.

use serde::Serialize;

use crate::limits::{Limits, Store};

/// An operation that cannot be skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// An HTTP exchange without a body.
    Get,
    /// An HTTP exchange with a small form.
    Post,
    /// An RS256 signature.
    Rs256,
    /// An RS256 signature of somebody else, verified.
    Rs256Verified,
    /// A password hash.
    Argon2id,
    /// A read by key.
    Read,
    /// A durable write of one row.
    Commit,
}

impl Part {
    /// As the table names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get | Self::Post => "exchange",
            Self::Rs256 => "RS256",
            Self::Rs256Verified => "RS256 verified",
            Self::Argon2id => "argon2id",
            Self::Read => "read",
            Self::Commit => "commit",
        }
    }

    fn cost_us(self, limits: &Limits, store: Store) -> Option<f64> {
        Some(match self {
            Self::Get => limits.get_us,
            Self::Post => limits.post_us,
            Self::Rs256 => limits.signing.rs256_us,
            Self::Rs256Verified => limits.signing.rs256_verified_us,
            Self::Argon2id => limits.hashing.all_cores_us,
            Self::Read => limits.stores.of(store)?.read.cost_us(),
            Self::Commit => limits.stores.of(store)?.commit.cost_us(),
        })
    }
}

/// The sum, in microseconds of processor time; `None` where a part was not measured.
pub fn floor_us(parts: &[Part], limits: &Limits, store: Store) -> Option<f64> {
    parts.iter().map(|part| part.cost_us(limits, store)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{Hashing, Signing, Statement, Statements, Stores};

    fn limits() -> Limits {
        let statement = |asking_us, store_us| Statement { asking_us, store_us, per_second: 1.0 };
        let sqlite = Statements { read: statement(2.0, 0.0), commit: statement(7.0, 0.0) };
        Limits {
            post_us: 10.0,
            get_us: 9.0,
            signing: Signing { rs256_us: 560.0, rs256_verified_us: 38.0, es256_us: 32.0, eddsa_us: 17.0 },
            hashing: Hashing { alone_us: 30_000.0, all_cores_us: 35_000.0, per_second: 57.0 },
            stores: Stores { sqlite, postgres: None },
        }
    }

    #[test]
    fn a_floor_is_the_sum_of_its_parts() {
        assert_eq!(floor_us(&[Part::Post, Part::Rs256], &limits(), Store::Sqlite), Some(570.0));
        let sign_in = [Part::Post, Part::Argon2id, Part::Read, Part::Commit];
        assert_eq!(floor_us(&sign_in, &limits(), Store::Sqlite), Some(35_019.0));
        assert_eq!(floor_us(&[Part::Get, Part::Rs256Verified, Part::Read], &limits(), Store::Sqlite), Some(49.0));
    }

    #[test]
    fn what_was_not_measured_has_no_floor() {
        assert_eq!(floor_us(&[Part::Get, Part::Read], &limits(), Store::Postgres), None);
        assert_eq!(floor_us(&[Part::Get], &limits(), Store::Postgres), Some(9.0));
    }
}
