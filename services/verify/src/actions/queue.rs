//! Queues a verification's message in the caller's transaction.

use tessera_common::clock::Timestamp;
use tessera_common::{ids, telemetry};
use tessera_contracts::call::Failure;
use tessera_storage::Tx;
use zeroize::Zeroizing;

use crate::domain::message::{Channel, Message};
use crate::store::delivery_rows::{self, NewDelivery};
use crate::store::verification_rows::Opened;
use crate::verify::Verify;

/// Where a message's code is worth something, and where it goes.
#[derive(Debug)]
pub struct Parcel {
    pub of: Opened,
    pub channel: Channel,
    pub destination: String,
    pub message: Message,
}

/// Seals the message and queues it, as part of the present trace. After the commit, wake the worker: `verify.queued`.
pub async fn queue(verify: &Verify, tx: &mut Tx, parcel: Parcel, now: Timestamp) -> Result<(), Failure> {
    let id = ids::new_v7(now, &verify.random);
    let open = Zeroizing::new(serde_json::to_vec(&parcel.message).map_err(|error| Failure::Internal(error.into()))?);
    let place = place(&id.to_string(), &parcel.of.row_id.to_string());
    let sealed = verify.sealer.seal(&place.each_ref().map(String::as_str), &open, &verify.random);
    let new = NewDelivery {
        id,
        of: parcel.of,
        channel: parcel.channel,
        destination: parcel.destination,
        sealed: sealed.map_err(|error| Failure::Internal(error.into()))?,
        trace: telemetry::traceparent(),
        now,
    };
    Ok(delivery_rows::queue(tx, new).await?)
}

/// What a sealed message is bound to.
pub fn place(id: &str, verification: &str) -> [String; 3] {
    ["deliveries".to_owned(), id.to_owned(), verification.to_owned()]
}
