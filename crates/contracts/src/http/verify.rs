//! [`VerifyApi`] over HTTP.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tessera_common::server::Endpoints;
use utoipa::ToSchema;

use super::method::Method;
use super::peer::Peer;
use super::wire::{Done, Exposed};
use crate::call::CallError;
use crate::ids::VerificationId;
use crate::verify::{Initiate, Initiated, Validate, Verdict, VerifyApi};

const INITIATE: Method<Initiate, Initiated> =
    Method::new("verify", "initiate", 2000, "Starts a verification and queues its message");
// A repetition would count a wrong code twice.
const VALIDATE: Method<ValidateBody, Verdict> =
    Method::new("verify", "validate", 1000, "Compares a code and spends the verification for its holder")
        .not_repeated();
const CANCEL: Method<CancelBody, Done> = Method::new("verify", "cancel", 1000, "Ends a live verification");

#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct ValidateBody {
    id: VerificationId,
    holder: String,
    code: Exposed,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct CancelBody {
    id: VerificationId,
}

/// verify in another process.
#[derive(Clone, Debug)]
pub struct HttpVerify(Peer);

impl HttpVerify {
    /// verify at `peer`.
    #[must_use]
    pub const fn new(peer: Peer) -> Self {
        Self(peer)
    }
}

#[async_trait]
impl VerifyApi for HttpVerify {
    async fn initiate(&self, initiate: Initiate) -> Result<Initiated, CallError> {
        self.0.call(&INITIATE, &initiate).await
    }

    async fn validate(&self, validate: Validate) -> Result<Verdict, CallError> {
        let Validate { id, holder, code } = validate;
        self.0.call(&VALIDATE, &ValidateBody { id, holder, code: code.into() }).await
    }

    async fn cancel(&self, id: VerificationId) -> Result<(), CallError> {
        self.0.call(&CANCEL, &CancelBody { id }).await.map(|Done {}| ())
    }
}

/// The operations that answer by the `A` among the listener's data.
#[must_use]
pub fn endpoints<A: VerifyApi + 'static>() -> Endpoints {
    Endpoints::new(vec![
        INITIATE.served_by(async |api: &A, initiate| api.initiate(initiate).await),
        VALIDATE.served_by(async |api: &A, ValidateBody { id, holder, code }| {
            api.validate(Validate { id, holder, code: code.into() }).await
        }),
        CANCEL.served_by(async |api: &A, CancelBody { id }| api.cancel(id).await.map(|()| Done {})),
    ])
}
