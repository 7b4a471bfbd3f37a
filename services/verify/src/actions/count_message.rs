//! How often a recipient may be written to, and how much a tenant may spend.

use tessera_common::clock::Timestamp;
use tessera_storage::Tx;

use crate::domain::counting::{
    EVERY_TENANT, Limited, PLATFORM_MESSAGES, PREFIX_MESSAGES, PREFIX_WINDOW, Quota, TENANT_MESSAGES,
    TENANT_MESSAGES_WINDOW, TENANT_TEXTS, TENANT_TEXTS_WINDOW,
};
use crate::domain::recipient::Recipient;
use crate::domain::verification::PLATFORM;
use crate::store::counter_rows::{self, Counter};
use crate::verify::Verify;

/// Whose message it is.
#[derive(Clone, Copy, Debug)]
pub enum SentBy<'a> {
    /// A tenant's.
    Tenant(&'a str),
    /// The platform's own. One that `must_go` is counted, and goes whatever was sent before; but nothing goes beyond a budget.
    Platform { must_go: bool },
}

/// Counts one message to a recipient, in the transaction that queues it. A telephone is one recipient for all tenants together, for each
/// message costs money and rings. The platform's text messages leave tenants less of it, but no tenant keeps them from their reader.
pub async fn count_message(
    verify: &Verify,
    tx: &mut Tx,
    by: SentBy<'_>,
    recipient: &Recipient,
    now: Timestamp,
) -> sqlx::Result<Result<(), Limited>> {
    let most = verify.settings.tenant_messages.into();
    let of_tenants = |whose, refuses| (whose, TENANT_MESSAGES, Quota { most, window: TENANT_MESSAGES_WINDOW }, refuses);
    let of_platform = |refuses| PLATFORM_MESSAGES.map(|(kind, quota)| (PLATFORM, kind, quota, refuses)).to_vec();
    let (tenant, quotas) = match (by, recipient) {
        (SentBy::Tenant(tenant), Recipient::Address { .. }) => (tenant, vec![of_tenants(tenant, true)]),
        (SentBy::Tenant(tenant), Recipient::Number { .. }) => (tenant, vec![of_tenants(EVERY_TENANT, true)]),
        (SentBy::Platform { must_go }, Recipient::Address { .. }) => (PLATFORM, of_platform(!must_go)),
        (SentBy::Platform { must_go }, Recipient::Number { .. }) => {
            (PLATFORM, [of_platform(!must_go), vec![of_tenants(EVERY_TENANT, false)]].concat())
        }
    };
    for (whose, kind, quota, refuses) in quotas {
        let counter = Counter { tenant: whose, subject: recipient.canonical(), kind };
        if let (Err(limited), true) = (counter_rows::count(tx, counter, quota, now).await?, refuses) {
            return Ok(Err(limited));
        }
    }
    spend(verify, tx, tenant, recipient, now).await
}

/// What text messages cost has budgets, for fraud by way of numbers that are dear.
async fn spend(
    verify: &Verify,
    tx: &mut Tx,
    tenant: &str,
    recipient: &Recipient,
    now: Timestamp,
) -> sqlx::Result<Result<(), Limited>> {
    let Recipient::Number { prefix, .. } = recipient else { return Ok(Ok(())) };
    let budgets = &verify.settings.sms;
    let of_prefix = Quota { most: budgets.prefix_budget.into(), window: PREFIX_WINDOW };
    let of_tenant = Quota { most: budgets.tenant_budget.into(), window: TENANT_TEXTS_WINDOW };
    for (counter, quota) in [
        (Counter { tenant: EVERY_TENANT, subject: prefix, kind: PREFIX_MESSAGES }, of_prefix),
        (Counter { tenant, subject: "", kind: TENANT_TEXTS }, of_tenant),
    ] {
        if let Err(limited) = counter_rows::count(tx, counter, quota, now).await? {
            tracing::warn!(verify.tenant = tenant, prefix, budget = counter.kind, "sms.budget_exhausted");
            return Ok(Err(limited));
        }
    }
    Ok(Ok(()))
}
