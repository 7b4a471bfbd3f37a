//! How often a recipient may be written to, and how much a tenant may spend.

use tessera_common::clock::Timestamp;
use tessera_storage::Tx;

use crate::domain::counting::{
    EVERY_TENANT, Limited, PREFIX_MESSAGES, PREFIX_WINDOW, Quota, TENANT_MESSAGES, TENANT_MESSAGES_WINDOW,
    TENANT_TEXTS, TENANT_TEXTS_WINDOW,
};
use crate::domain::recipient::Recipient;
use crate::store::counter_rows::{self, Counter};
use crate::verify::Verify;

/// Counts one message of a tenant to a recipient, in the transaction that queues it. A telephone is one recipient for all tenants
/// together, for each message costs money and rings; and what is spent on it has budgets besides, for fraud by way of numbers that
/// are dear.
pub async fn count_message(
    verify: &Verify,
    tx: &mut Tx,
    tenant: &str,
    recipient: &Recipient,
    now: Timestamp,
) -> sqlx::Result<Result<(), Limited>> {
    let settings = &verify.settings;
    let messages = Quota { most: settings.tenant_messages.into(), window: TENANT_MESSAGES_WINDOW };
    let to = |tenant, subject, kind| Counter { tenant, subject, kind };
    let Recipient::Number { number, prefix } = recipient else {
        return counter_rows::count(tx, to(tenant, recipient.canonical(), TENANT_MESSAGES), messages, now).await;
    };
    let of_prefix = Quota { most: settings.sms.prefix_budget.into(), window: PREFIX_WINDOW };
    let of_tenant = Quota { most: settings.sms.tenant_budget.into(), window: TENANT_TEXTS_WINDOW };
    for (counter, quota) in [
        (to(EVERY_TENANT, number, TENANT_MESSAGES), messages),
        (to(EVERY_TENANT, prefix, PREFIX_MESSAGES), of_prefix),
        (to(tenant, "", TENANT_TEXTS), of_tenant),
    ] {
        if let Err(limited) = counter_rows::count(tx, counter, quota, now).await? {
            if counter.kind != TENANT_MESSAGES {
                tracing::warn!(verify.tenant = tenant, prefix, budget = counter.kind, "sms.budget_exhausted");
            }
            return Ok(Err(limited));
        }
    }
    Ok(Ok(()))
}
