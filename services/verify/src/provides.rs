//! What this context does for its siblings, by the same actions as for tenants.

use async_trait::async_trait;
use tessera_contracts::call::{CallError, Failure};
use tessera_contracts::ids::VerificationId;
use tessera_contracts::verify::{Initiate, Initiated, Validate, Verdict, VerifyApi};

use crate::actions::attempt::{Judged, attempt};
use crate::actions::platform;
use crate::domain::method::Method;
use crate::domain::verification::{Key, PLATFORM};
use crate::verify::Verify;

#[async_trait]
impl VerifyApi for Verify {
    async fn initiate(&self, initiate: Initiate) -> Result<Initiated, CallError> {
        platform::initiate(self, initiate).await.map_err(as_callee)
    }

    async fn validate(&self, validate: Validate) -> Result<Verdict, CallError> {
        let id = validate.id.to_string();
        let key = Key { tenant: PLATFORM, method: Method::Email, id: &id, holder: &validate.holder };
        Ok(match attempt(self, key, Some(&validate.code)).await.map_err(as_callee)? {
            Judged::Right(_) => Verdict::Proved,
            Judged::RightBefore => Verdict::ProvedBefore,
            Judged::Wrong(now) => Verdict::Wrong { attempts: now.attempts, left: now.attempts_left() },
            // Nothing was compared, so nothing is worth trying until the subject's hour is over.
            Judged::Limited(_, now) => Verdict::Wrong { attempts: now.attempts, left: Some(0) },
            Judged::Unknown => Verdict::Unknown,
        })
    }

    async fn cancel(&self, id: VerificationId) -> Result<(), CallError> {
        platform::cancel(self, id).await.map_err(as_callee)
    }
}

fn as_callee(failure: Failure) -> CallError {
    failure.as_callee("verify")
}
