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

/// Counts one message to a recipient, in the transaction that queues it. A telephone is one recipient for all tenants and the platform
/// together, for each message costs money and rings.
pub async fn count_message(
    verify: &Verify,
    tx: &mut Tx,
    by: SentBy<'_>,
    recipient: &Recipient,
    now: Timestamp,
) -> sqlx::Result<Result<(), Limited>> {
    let (tenant, must_go) = match by {
        SentBy::Tenant(tenant) => (tenant, false),
        SentBy::Platform { must_go } => (PLATFORM, must_go),
    };
    let most = verify.settings.tenant_messages.into();
    let under = |whose| (whose, TENANT_MESSAGES, Quota { most, window: TENANT_MESSAGES_WINDOW });
    let platforms = PLATFORM_MESSAGES.map(|(kind, quota)| (PLATFORM, kind, quota)).to_vec();
    let quotas = match (by, recipient) {
        (SentBy::Tenant(tenant), Recipient::Address { .. }) => vec![under(tenant)],
        (SentBy::Tenant(_), Recipient::Number { .. }) => vec![under(EVERY_TENANT)],
        (SentBy::Platform { .. }, Recipient::Address { .. }) => platforms,
        (SentBy::Platform { .. }, Recipient::Number { .. }) => [platforms, vec![under(EVERY_TENANT)]].concat(),
    };
    for (whose, kind, quota) in quotas {
        let counter = Counter { tenant: whose, subject: recipient.canonical(), kind };
        if let (Err(limited), false) = (counter_rows::count(tx, counter, quota, now).await?, must_go) {
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
