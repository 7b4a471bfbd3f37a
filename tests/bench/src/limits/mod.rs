//! What nothing on this machine can be faster than, measured again in each round.

pub mod ceiling;
mod hashing;
mod signing;
mod stores;

use serde::Serialize;

pub use hashing::Hashing;
pub use signing::Signing;
#[cfg(test)]
pub use stores::{Statement, Statements};
pub use stores::{Store, Stores};

/// The limits of a round. Costs are microseconds of processor time.
#[derive(Clone, Debug, Serialize)]
pub struct Limits {
    /// One exchange: a small form read, 90 bytes of JSON answered.
    pub post_us: f64,
    /// One exchange without a body.
    pub get_us: f64,
    /// Signatures.
    pub signing: Signing,
    /// Password hashes.
    pub hashing: Hashing,
    /// Statements.
    pub stores: Stores,
}

impl Limits {
    /// Measures all of them; PostgreSQL's statements on the server at `postgres`, where there is one.
    ///
    /// # Errors
    /// When one cannot be.
    pub async fn measure(postgres: Option<&str>) -> anyhow::Result<Self> {
        let (post_us, get_us) = ceiling::measure().await?;
        let signing = signing::measure()?;
        let hashing = hashing::measure()?;
        let stores = stores::measure(postgres).await?;
        Ok(Self { post_us, get_us, signing, hashing, stores })
    }
}
