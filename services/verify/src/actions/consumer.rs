//! What a tenant's consumer has, apart from any verification.

use tessera_contracts::call::Failure;

use crate::domain::method::Method;
use crate::domain::verification::Owner;
use crate::store::{authenticator_rows, backup_code_rows};
use crate::verify::Verify;

/// What a consumer has of a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// An authenticator that was confirmed, or none.
    Authenticator { enrolled: bool },
    /// So many backup codes; `None` without a set.
    BackupCodes { left: Option<i64> },
}

/// What a consumer has; `None` for a method that keeps nothing.
#[tracing::instrument(name = "verify.consumer.standing", skip_all)]
pub async fn standing(verify: &Verify, method: Method, owner: Owner<'_>) -> Result<Option<Standing>, Failure> {
    let mut conn = verify.db.read().await?;
    Ok(match method {
        Method::Authenticator => {
            let found = authenticator_rows::find(&mut conn, owner).await?;
            Some(Standing::Authenticator { enrolled: found.is_some_and(|found| found.confirmed.is_some()) })
        }
        Method::BackupCode => {
            let left = backup_code_rows::left(&mut conn, owner).await?;
            Some(Standing::BackupCodes { left: left.map(|left| left.codes_left) })
        }
        Method::Email | Method::Phone => None,
    })
}

/// Drops a consumer's secret or codes without a code; whether there were any. `None` for a method that keeps nothing.
#[tracing::instrument(name = "verify.consumer.remove", skip_all)]
pub async fn remove(verify: &Verify, method: Method, owner: Owner<'_>) -> Result<Option<bool>, Failure> {
    let mut conn = verify.db.write().await?;
    let removed = match method {
        Method::Authenticator => authenticator_rows::remove(&mut conn, owner).await?,
        Method::BackupCode => backup_code_rows::remove(&mut conn, owner).await?,
        Method::Email | Method::Phone => return Ok(None),
    };
    if removed {
        // Who it was is an address more often than not, and stays out of the log.
        tracing::info!(verify.tenant = owner.tenant, verify.method = method.name(), "consumer.remove");
    }
    Ok(Some(removed))
}
