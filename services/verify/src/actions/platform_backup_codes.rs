//! Backup codes of the platform's own users, for the siblings.

use tessera_contracts::call::Failure;
use tessera_contracts::ids::UserId;
use tessera_contracts::verify::{BackupCodesCount, BackupCodesIssue, BackupCodesIssued, BackupCodesRemove};

use super::backup_codes::fill;
use crate::domain::verification::{Owner, PLATFORM};
use crate::store::backup_code_rows;
use crate::verify::Verify;

/// Makes a set in the place of any other.
#[tracing::instrument(name = "verify.platform.backup_codes_issue", skip_all)]
pub async fn issue(verify: &Verify, given: BackupCodesIssue) -> Result<BackupCodesIssued, Failure> {
    let (user, set_id) = (given.user.to_string(), given.set.uuid());
    let owner = Owner { tenant: PLATFORM, consumer: &user };
    let mut tx = verify.db.begin().await?;
    backup_code_rows::begin_anew(&mut tx, owner, set_id, verify.clock.now()).await?;
    let codes = fill(verify, &mut tx, owner, set_id).await?;
    tx.commit().await?;
    tracing::info!(user.id = user, "backup_codes.issue");
    Ok(BackupCodesIssued { codes })
}

/// How many codes a user has left.
#[tracing::instrument(name = "verify.platform.backup_codes_count", skip_all)]
pub async fn count(verify: &Verify, user: UserId) -> Result<BackupCodesCount, Failure> {
    let owner = Owner { tenant: PLATFORM, consumer: &user.to_string() };
    let left = backup_code_rows::left(&mut verify.db.read().await?, owner).await?;
    Ok(BackupCodesCount { left: left.map_or(0, |left| left.codes_left), issued_at: left.map(|left| left.issued_at) })
}

/// Drops a user's codes, or those of one set.
#[tracing::instrument(name = "verify.platform.backup_codes_remove", skip_all)]
pub async fn remove(verify: &Verify, given: BackupCodesRemove) -> Result<(), Failure> {
    let user = given.user.to_string();
    let owner = Owner { tenant: PLATFORM, consumer: &user };
    let mut conn = verify.db.write().await?;
    let removed = match given.set {
        Some(set) => backup_code_rows::remove_one(&mut conn, owner, set.uuid()).await?,
        None => backup_code_rows::remove(&mut conn, owner).await?,
    };
    if removed {
        tracing::info!(user.id = user, "backup_codes.remove");
    }
    Ok(())
}
