//! Authenticators of a tenant's consumers.

use secrecy::SecretString;
use tessera_common::ids;
use tessera_contracts::call::Failure;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::initiate::InitiateError;
use super::open_without_code::{WithoutCode, open_without_code};
use super::tally;
use crate::domain::authenticator::{self, Sealed};
use crate::domain::method::Method;
use crate::domain::verification::{Owner, Verification};
use crate::store::authenticator_rows::{self, NewPending};
use crate::verify::Verify;

/// Opens a verification by authenticator. A consumer without a confirmed secret is given a new one, as the link for their app, which
/// is told now and never again: what was given out before and not confirmed is worth nothing any more.
#[tracing::instrument(name = "verify.initiate.by_authenticator", skip_all)]
pub async fn initiate(
    verify: &Verify,
    tenant: &str,
    issuer: &str,
    given: WithoutCode,
) -> Result<(Verification, Option<SecretString>), InitiateError> {
    let now = verify.clock.now();
    let secret = authenticator::new_secret(&verify.random);
    let uri = authenticator::uri(&secret, issuer, &given.consumer);
    let owner = Owner { tenant, consumer: &given.consumer.clone() };
    let sealed = seal(verify, owner, ids::new_v7(now, &verify.random), &secret)?;

    let mut tx = verify.db.begin().await?;
    let verification = open_without_code(verify, &mut tx, tenant, Method::Authenticator, given, now).await?;
    let is_new =
        authenticator_rows::put_first(&mut tx, owner, NewPending { sealed, until: verification.deadline }).await?;
    tx.commit().await?;
    tally::begun(Method::Authenticator);
    tracing::info!(verify.tenant = tenant, verify.id = verification.id, enrols = is_new, "verification.initiate");
    Ok((verification, is_new.then_some(uri)))
}

/// Seals a secret to its owner and its id.
pub fn seal(verify: &Verify, owner: Owner<'_>, id: Uuid, secret: &[u8]) -> Result<Sealed, Failure> {
    let sealed = verify.authenticators.seal(&place(owner, &id.to_string()), secret, &verify.random);
    Ok(Sealed { id, bytes: sealed.map_err(|error| Failure::Internal(error.into()))? })
}

/// Opens a secret that was sealed to its owner and its id.
pub fn open(verify: &Verify, owner: Owner<'_>, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let opened = verify.authenticators.open(&place(owner, &sealed.id.to_string()), &sealed.bytes);
    opened.map_err(|error| Failure::Internal(error.into()))
}

fn place<'a>(owner: Owner<'a>, id: &'a str) -> [&'a str; 4] {
    ["authenticators", owner.tenant, owner.consumer, id]
}
