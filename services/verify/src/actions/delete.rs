//! Ending a verification before it was proved.

use tessera_contracts::call::Failure;

use crate::domain::verification::Key;
use crate::store::{delivery_rows, verification_rows};
use crate::verify::Verify;

/// Ends a tenant's verification; answers whether there was one alive. Its message is not sent any more.
#[tracing::instrument(name = "verify.delete", skip_all)]
pub async fn delete(verify: &Verify, key: Key<'_>) -> Result<bool, Failure> {
    let mut tx = verify.db.begin().await?;
    let Some(row_id) = verification_rows::delete(&mut tx, key, verify.clock.now()).await? else { return Ok(false) };
    delivery_rows::cancel(&mut tx, row_id).await?;
    tx.commit().await?;
    tracing::info!(verify.tenant = key.tenant, verify.id = key.id, "verification.delete");
    Ok(true)
}
