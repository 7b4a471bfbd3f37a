//! What this context says of messages and verifications: their public state, and no secret.

use tessera_contracts::email_address::EmailAddress;
use tessera_contracts::events;
use tessera_contracts::phone_number::PhoneNumber;

use crate::domain::verification::{PLATFORM, Verification};
use crate::store::delivery_rows::{Claimed, OfVerification};

/// A message that was given up, as events carry it.
pub fn delivery(claimed: &Claimed, of: OfVerification, reason: &str) -> events::Delivery {
    events::Delivery {
        id: claimed.id.to_string(),
        channel: claimed.channel.clone(),
        recipient: masked(&claimed.destination),
        reason: reason.to_owned(),
        tries: claimed.tries,
        verification: Some(events::Verification {
            user_id: (of.tenant == PLATFORM).then_some(of.subject),
            tenant: of.tenant,
            verification_id: of.id,
            method: of.method,
        }),
    }
}

/// A verification, as events carry it.
pub fn verification(verification: &Verification) -> events::Verification {
    events::Verification {
        tenant: verification.tenant.clone(),
        verification_id: verification.id.clone(),
        method: verification.method.name().to_owned(),
        user_id: (verification.tenant == PLATFORM).then(|| verification.subject.clone()),
    }
}

fn masked(destination: &str) -> String {
    let number = PhoneNumber::parse(destination).map(|number| number.masked());
    let address = || EmailAddress::parse(destination).map(|address| address.masked());
    number.or_else(address).unwrap_or_else(|| "***".to_owned())
}
