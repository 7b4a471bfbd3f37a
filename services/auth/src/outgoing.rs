//! The calls that auth queues with its changes.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tessera_contracts::sessions::{Cut, SessionsApi};
use tessera_contracts::verify::{Initiate, VerifyApi};
use tessera_messaging::durable_call::{self, Dispatch, DispatchError, DurableCall};

/// Mails a link: the verification's id was chosen in the transaction that queued this.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MailLink(pub Initiate);

impl DurableCall for MailLink {
    const KIND: &'static str = "verify.initiate.v1";
}

/// Ends everything of a user that is older than the change that queued this.
#[derive(Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CutSessions(pub Cut);

impl DurableCall for CutSessions {
    const KIND: &'static str = "sessions.cut.v1";
}

/// Carries them out.
#[derive(Debug)]
pub struct Outgoing {
    pub verify: Arc<dyn VerifyApi>,
    pub sessions: Arc<dyn SessionsApi>,
}

#[async_trait]
impl Dispatch for Outgoing {
    async fn dispatch(&self, kind: &str, payload: &str) -> Result<(), DispatchError> {
        let failed = |error: tessera_contracts::call::CallError| DispatchError::Failed(error.to_string());
        match kind {
            MailLink::KIND => {
                let MailLink(initiate) = durable_call::read(payload)?;
                // A limited recipient has mail already: repeating would not get this one through in time to matter.
                self.verify.initiate(initiate).await.map(drop).map_err(failed)
            }
            CutSessions::KIND => {
                let CutSessions(cut) = durable_call::read(payload)?;
                self.sessions.cut(cut).await.map(drop).map_err(failed)
            }
            _ => Err(DispatchError::UnknownKind),
        }
    }
}
