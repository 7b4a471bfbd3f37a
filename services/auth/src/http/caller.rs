//! Who calls: extractors, so that a handler's signature shows whom it serves.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, web};
use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use tessera_common::dialect::accounts::Refusal;
use tessera_contracts::call::CallError;
use tessera_contracts::sessions::{Credential, SessionSummary};
use tessera_tokens::bearer::Presented;

use crate::auth::Auth;

/// A user by the accounts API: the live session of the presented session token. A cookie beside it is not looked at.
#[derive(Debug)]
pub struct SignedIn {
    /// The session.
    pub session: SessionSummary,
    /// What it was presented by, to ask again.
    pub credential: Credential,
}

impl FromRequest for SignedIn {
    type Error = Refusal;
    type Future = LocalBoxFuture<'static, Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let auth = request.app_data::<web::Data<Auth>>().cloned();
        let token = match Presented::of(request) {
            Presented::Opaque(token) => Some(token.to_owned()),
            _ => None,
        };
        async move {
            let (Some(auth), Some(token)) = (auth, token) else { return Err(Refusal::Unauthenticated) };
            let credential = Credential::SessionToken(token.into());
            let resolved = auth.sessions.resolve(credential.clone()).await.map_err(CallError::accident)?;
            let session = resolved.and_then(|resolved| resolved.current().cloned());
            Ok(Self { session: session.ok_or(Refusal::Unauthenticated)?, credential })
        }
        .boxed_local()
    }
}
