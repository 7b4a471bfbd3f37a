//! Reading the dev mailbox.

use std::time::Duration;

use tessera_contracts::call::Failure;

pub use crate::senders::recipient;
pub use crate::store::dev_message_rows::{DevMessage, Filter};
use crate::verify::Verify;

/// The most messages of one answer.
const MOST: i64 = 100;

/// The newest messages of a filter, newest first; waits up to `patience` for the first.
pub async fn read(verify: &Verify, filter: &Filter, patience: Duration) -> Result<Vec<DevMessage>, Failure> {
    match verify.senders.mailbox() {
        Some(mailbox) => Ok(mailbox.wait(filter, MOST, patience).await?),
        // Nothing is caught where all messages leave.
        None => Ok(Vec::new()),
    }
}
