//! Opening a verification of a method whose codes are not sent.

use chrono::TimeDelta;
use tessera_common::clock::Timestamp;
use tessera_common::ids;
use tessera_storage::Tx;

use super::initiate::{InitiateError, random_id};
use crate::domain::method::Method;
use crate::domain::purpose_group::PurposeGroup;
use crate::domain::verification::{Form, Key, Verification};
use crate::store::verification_rows::{self, NewVerification};
use crate::verify::Verify;

/// A verification as a tenant wants it.
#[derive(Debug)]
pub struct WithoutCode {
    /// Who is to prove it, by the tenant's own name for them.
    pub consumer: String,
    /// How long it lives.
    pub lifetime: TimeDelta,
    /// An id of the tenant's own choice.
    pub forced_id: Option<String>,
    /// What the tenant wants back: JSON as it came.
    pub payload: Option<String>,
}

/// Opens a tenant's verification of a method whose codes are not sent. Wrong answers are counted apart from those to messages, which
/// strangers may have asked for.
pub async fn open_without_code(
    verify: &Verify,
    tx: &mut Tx,
    tenant: &str,
    method: Method,
    given: WithoutCode,
    now: Timestamp,
) -> Result<Verification, InitiateError> {
    let id = given.forced_id.unwrap_or_else(|| random_id(verify).to_string());
    let new = NewVerification {
        row_id: ids::new_v7(now, &verify.random),
        key: Key::of_tenant(tenant, method, &id),
        sibling: None,
        subject: given.consumer.clone(),
        purpose_group: PurposeGroup::Factor.counted_for(None),
        consumer: given.consumer.clone(),
        recipient: given.consumer,
        code_digest: Vec::new(),
        sealed_code: None,
        form: Form::Short,
        now,
        deadline: now + given.lifetime,
        payload: given.payload,
    };
    let opened = verification_rows::replace(tx, &new).await?;
    Ok(new.into_verification(opened.ok_or(InitiateError::OtherConsumer)?))
}
