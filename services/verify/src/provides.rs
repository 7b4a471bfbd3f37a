//! What this context does for its siblings, by the same actions as for tenants.

use async_trait::async_trait;
use tessera_contracts::call::{CallError, Failure};
use tessera_contracts::ids::UserId;
use tessera_contracts::sibling::Sibling;
use tessera_contracts::verify::{
    AuthenticatorConfirm, AuthenticatorEnrol, AuthenticatorEnrolled, AuthenticatorRemove, BackupCodesCount,
    BackupCodesIssue, BackupCodesIssued, BackupCodesRemove, BackupCodesUsed, Cancel, FactorAnswer, Initiate, Initiated,
    Resend, Resent, ServesSiblings, Validate, Verdict, VerifyApi,
};

use crate::actions::attempt::Judged;
use crate::actions::{platform, platform_answer, platform_authenticator, platform_backup_codes, platform_resend};
use crate::domain::method::Method;
use crate::verify::Verify;

/// This context as one sibling calls it.
#[derive(Clone, Debug)]
pub struct ForSibling {
    verify: Verify,
    sibling: Sibling,
}

impl ServesSiblings for Verify {
    type Api = ForSibling;

    fn for_sibling(&self, sibling: Sibling) -> ForSibling {
        ForSibling { verify: self.clone(), sibling }
    }
}

#[async_trait]
impl VerifyApi for ForSibling {
    async fn initiate(&self, initiate: Initiate) -> Result<Initiated, CallError> {
        platform::initiate(&self.verify, self.sibling, initiate).await.map_err(as_callee)
    }

    async fn resend(&self, resend: Resend) -> Result<Resent, CallError> {
        platform_resend::resend(&self.verify, self.sibling, resend).await.map_err(as_callee)
    }

    async fn validate(&self, validate: Validate) -> Result<Verdict, CallError> {
        platform::judge(&self.verify, self.sibling, &validate, true).await.map(verdict).map_err(as_callee)
    }

    async fn check(&self, validate: Validate) -> Result<Verdict, CallError> {
        platform::judge(&self.verify, self.sibling, &validate, false).await.map(verdict).map_err(as_callee)
    }

    async fn cancel(&self, cancel: Cancel) -> Result<(), CallError> {
        platform::cancel(&self.verify, self.sibling, &cancel).await.map_err(as_callee)
    }

    async fn authenticator_enrol(&self, enrol: AuthenticatorEnrol) -> Result<AuthenticatorEnrolled, CallError> {
        platform_authenticator::enrol(&self.verify, enrol).await.map_err(as_callee)
    }

    async fn authenticator_confirm(&self, confirm: AuthenticatorConfirm) -> Result<Verdict, CallError> {
        platform_authenticator::confirm(&self.verify, confirm).await.map_err(as_callee)
    }

    async fn authenticator_check(&self, answer: FactorAnswer) -> Result<Verdict, CallError> {
        platform_answer::judge(&self.verify, Method::Authenticator, &answer).await.map_err(as_callee)
    }

    async fn authenticator_remove(&self, remove: AuthenticatorRemove) -> Result<(), CallError> {
        platform_authenticator::remove(&self.verify, remove).await.map_err(as_callee)
    }

    async fn backup_codes_issue(&self, issue: BackupCodesIssue) -> Result<BackupCodesIssued, CallError> {
        platform_backup_codes::issue(&self.verify, issue).await.map_err(as_callee)
    }

    async fn backup_codes_use(&self, answer: FactorAnswer) -> Result<BackupCodesUsed, CallError> {
        let verdict = platform_answer::judge(&self.verify, Method::BackupCode, &answer).await.map_err(as_callee)?;
        let BackupCodesCount { left, .. } = self.backup_codes_count(answer.user).await?;
        Ok(BackupCodesUsed { verdict, left })
    }

    async fn backup_codes_count(&self, user: UserId) -> Result<BackupCodesCount, CallError> {
        platform_backup_codes::count(&self.verify, user).await.map_err(as_callee)
    }

    async fn backup_codes_remove(&self, remove: BackupCodesRemove) -> Result<(), CallError> {
        platform_backup_codes::remove(&self.verify, remove).await.map_err(as_callee)
    }
}

fn verdict(judged: Judged) -> Verdict {
    match judged {
        Judged::Right(_) => Verdict::Proved,
        Judged::RightBefore(_) => Verdict::ProvedBefore,
        Judged::Wrong(now) => Verdict::Wrong { attempts: now.attempts, left: now.attempts_left() },
        // Nothing was compared, so nothing is worth trying until the subject's hour is over.
        Judged::Limited(_, now) => Verdict::Wrong { attempts: now.attempts, left: Some(0) },
        Judged::Unknown => Verdict::Unknown,
    }
}

fn as_callee(failure: Failure) -> CallError {
    failure.as_callee("verify")
}
