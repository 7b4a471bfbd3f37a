//! Backup codes of a tenant's consumers.

use secrecy::{ExposeSecret as _, SecretString};
use tessera_common::clock::Timestamp;
use tessera_common::ids;
use tessera_contracts::call::Failure;
use tessera_storage::Tx;
use uuid::Uuid;

use super::initiate::InitiateError;
use super::open_without_code::{WithoutCode, open_without_code};
use super::tally;
use crate::domain::backup_code;
use crate::domain::method::Method;
use crate::domain::verification::{Owner, Verification};
use crate::store::backup_code_rows::{self, Unused};
use crate::verify::Verify;

/// What a consumer has after a verification by backup code was opened.
#[derive(Debug)]
pub struct Codes {
    /// The codes of a new set, told now and never again.
    pub new: Option<Vec<SecretString>>,
    /// How many are left.
    pub left: i64,
}

/// Opens a verification by backup code. A consumer without a set is given one; with `regenerate` also whoever has one, which dies.
#[tracing::instrument(name = "verify.initiate.by_backup_code", skip_all)]
pub async fn initiate(
    verify: &Verify,
    tenant: &str,
    regenerate: bool,
    given: WithoutCode,
) -> Result<(Verification, Codes), InitiateError> {
    let now = verify.clock.now();
    let mut tx = verify.db.begin().await?;
    let verification = open_without_code(verify, &mut tx, tenant, Method::BackupCode, given, now).await?;
    let owner = verification.owner();
    let set_id = ids::new_v7(now, &verify.random);
    let is_new = if regenerate {
        backup_code_rows::begin_anew(&mut tx, owner, set_id, now).await?;
        true
    } else {
        backup_code_rows::begin_first(&mut tx, owner, set_id, now).await?
    };
    let new = if is_new { Some(fill(verify, &mut tx, owner, set_id).await?) } else { None };
    let left = backup_code_rows::left(&mut tx, owner).await?.map_or(0, |left| left.codes_left);
    tx.commit().await?;
    tally::begun(Method::BackupCode);
    tracing::info!(verify.tenant = tenant, verify.id = verification.id, enrols = is_new, "verification.initiate");
    Ok((verification, Codes { new, left }))
}

/// Makes the codes of a set that was begun in this transaction.
pub async fn fill(verify: &Verify, tx: &mut Tx, owner: Owner<'_>, set_id: Uuid) -> sqlx::Result<Vec<SecretString>> {
    let codes = backup_code::draw(&verify.random);
    for (number, code) in (0..).zip(&codes) {
        let digest = verify.backup_codes.digest(&place(owner, &set_id.to_string()), code.expose_secret().as_bytes());
        backup_code_rows::add(tx, owner, Unused { set_id, number, digest }).await?;
    }
    Ok(codes)
}

/// The unused code that an answer is.
pub fn find(verify: &Verify, owner: Owner<'_>, codes: Vec<Unused>, answer: &SecretString) -> Option<Unused> {
    let meant = backup_code::normalised(answer.expose_secret());
    let is_right = |code: &Unused| {
        verify.backup_codes.matches(&place(owner, &code.set_id.to_string()), meant.as_bytes(), &code.digest)
    };
    codes.into_iter().find(is_right)
}

/// How many codes a consumer has left; `None` without a set.
#[tracing::instrument(name = "verify.backup_codes.left", skip_all)]
pub async fn left(verify: &Verify, owner: Owner<'_>) -> Result<Option<(i64, Timestamp)>, Failure> {
    let left = backup_code_rows::left(&mut verify.db.read().await?, owner).await?;
    Ok(left.map(|left| (left.codes_left, left.issued_at)))
}

fn place<'a>(owner: Owner<'a>, set_id: &'a str) -> [&'a str; 4] {
    ["backup_codes", owner.tenant, owner.consumer, set_id]
}
