//! Reading a verification.

use tessera_contracts::call::Failure;

use crate::domain::verification::{Key, Verification};
use crate::store::verification_rows;
use crate::verify::Verify;

/// The verification of that key, if it is alive.
#[tracing::instrument(name = "verify.find", skip_all)]
pub async fn find(verify: &Verify, key: Key<'_>) -> Result<Option<Verification>, Failure> {
    Ok(verification_rows::find_live(&mut verify.db.read().await?, key, verify.clock.now()).await?)
}
