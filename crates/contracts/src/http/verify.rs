//! [`VerifyApi`] over HTTP.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use tessera_common::clock::Timestamp;
use tessera_common::server::Endpoints;
use utoipa::ToSchema;

use super::method::Method;
use super::peer::Peer;
use super::wire::{Done, Exposed};
use crate::call::CallError;
use crate::ids::{AttemptId, EnrolmentId, UserId, VerificationId};
use crate::verify::{
    AuthenticatorConfirm, AuthenticatorEnrol, AuthenticatorEnrolled, AuthenticatorRemove, BackupCodesCount,
    BackupCodesIssue, BackupCodesIssued, BackupCodesRemove, BackupCodesUsed, Cancel, FactorAnswer, Initiate, Initiated,
    Resend, Resent, ServesSiblings, Validate, Verdict, VerifyApi, without_nul,
};

const INITIATE: Method<Initiate, Initiated> =
    Method::new("verify", "initiate", 2000, "Starts a verification and queues its message");
const RESEND: Method<Resend, Resent> = Method::new("verify", "resend", 2000, "Sends a verification's message again");
// A repetition would count a wrong code twice.
const VALIDATE: Method<ValidateBody, Verdict> =
    Method::new("verify", "validate", 1000, "Compares a code and spends the verification for its holder")
        .not_repeated();
const CHECK: Method<ValidateBody, Verdict> =
    Method::new("verify", "check", 1000, "Compares a code and spends nothing").not_repeated();
const CANCEL: Method<CancelBody, Done> = Method::new("verify", "cancel", 1000, "Ends live verifications");
const AUTHENTICATOR_ENROL: Method<AuthenticatorEnrol, EnrolledBody> =
    Method::new("verify", "authenticator_enrol", 1000, "Gives out a secret for an authenticator app");
// As for `validate`.
const AUTHENTICATOR_CONFIRM: Method<ConfirmBody, Verdict> =
    Method::new("verify", "authenticator_confirm", 1000, "Compares the first code of an enrolment").not_repeated();
const AUTHENTICATOR_CHECK: Method<AnswerBody, Verdict> =
    Method::new("verify", "authenticator_check", 1000, "Compares a code of an authenticator app and uses it up");
const AUTHENTICATOR_REMOVE: Method<AuthenticatorRemove, Done> =
    Method::new("verify", "authenticator_remove", 1000, "Drops an authenticator");
const BACKUP_CODES_ISSUE: Method<BackupCodesIssue, IssuedBody> =
    Method::new("verify", "backup_codes_issue", 1000, "Makes a set of backup codes");
const BACKUP_CODES_USE: Method<AnswerBody, BackupCodesUsed> =
    Method::new("verify", "backup_codes_use", 1000, "Compares a backup code and uses it up");
const BACKUP_CODES_COUNT: Method<CountBody, BackupCodesCount> =
    Method::new("verify", "backup_codes_count", 1000, "Counts the backup codes that are left");
const BACKUP_CODES_REMOVE: Method<BackupCodesRemove, Done> =
    Method::new("verify", "backup_codes_remove", 1000, "Drops backup codes");

#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct ValidateBody {
    id: VerificationId,
    #[serde(deserialize_with = "without_nul")]
    holder: String,
    code: Exposed,
}

impl From<Validate> for ValidateBody {
    fn from(Validate { id, holder, code }: Validate) -> Self {
        Self { id, holder, code: code.into() }
    }
}

impl From<ValidateBody> for Validate {
    fn from(ValidateBody { id, holder, code }: ValidateBody) -> Self {
        Self { id, holder, code: code.into() }
    }
}

/// By its member, so that a newer caller may add others.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
enum CancelBody {
    Id {
        id: VerificationId,
    },
    Holder {
        #[serde(deserialize_with = "without_nul")]
        holder: String,
    },
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct EnrolledBody {
    secret: Exposed,
    uri: Exposed,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct ConfirmBody {
    user: UserId,
    enrolment: EnrolmentId,
    code: Exposed,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct AnswerBody {
    user: UserId,
    attempt: AttemptId,
    code: Exposed,
}

impl From<FactorAnswer> for AnswerBody {
    fn from(FactorAnswer { user, attempt, code }: FactorAnswer) -> Self {
        Self { user, attempt, code: code.into() }
    }
}

impl From<AnswerBody> for FactorAnswer {
    fn from(AnswerBody { user, attempt, code }: AnswerBody) -> Self {
        Self { user, attempt, code: code.into() }
    }
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct IssuedBody {
    codes: Vec<Exposed>,
}

#[derive(Debug, Serialize, Deserialize, ToSchema)]
struct CountBody {
    user: UserId,
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

    async fn resend(&self, resend: Resend) -> Result<Resent, CallError> {
        self.0.call(&RESEND, &resend).await
    }

    async fn validate(&self, validate: Validate) -> Result<Verdict, CallError> {
        self.0.call(&VALIDATE, &validate.into()).await
    }

    async fn check(&self, validate: Validate) -> Result<Verdict, CallError> {
        self.0.call(&CHECK, &validate.into()).await
    }

    async fn cancel(&self, cancel: Cancel) -> Result<(), CallError> {
        let body = match cancel {
            Cancel::Id(id) => CancelBody::Id { id },
            Cancel::Holder(holder) => CancelBody::Holder { holder },
        };
        self.0.call(&CANCEL, &body).await.map(|Done {}| ())
    }

    async fn authenticator_enrol(&self, enrol: AuthenticatorEnrol) -> Result<AuthenticatorEnrolled, CallError> {
        let EnrolledBody { secret, uri, expires_at } = self.0.call(&AUTHENTICATOR_ENROL, &enrol).await?;
        Ok(AuthenticatorEnrolled { secret: secret.into(), uri: uri.into(), expires_at })
    }

    async fn authenticator_confirm(&self, confirm: AuthenticatorConfirm) -> Result<Verdict, CallError> {
        let AuthenticatorConfirm { user, enrolment, code } = confirm;
        self.0.call(&AUTHENTICATOR_CONFIRM, &ConfirmBody { user, enrolment, code: code.into() }).await
    }

    async fn authenticator_check(&self, answer: FactorAnswer) -> Result<Verdict, CallError> {
        self.0.call(&AUTHENTICATOR_CHECK, &answer.into()).await
    }

    async fn authenticator_remove(&self, remove: AuthenticatorRemove) -> Result<(), CallError> {
        self.0.call(&AUTHENTICATOR_REMOVE, &remove).await.map(|Done {}| ())
    }

    async fn backup_codes_issue(&self, issue: BackupCodesIssue) -> Result<BackupCodesIssued, CallError> {
        let IssuedBody { codes } = self.0.call(&BACKUP_CODES_ISSUE, &issue).await?;
        Ok(BackupCodesIssued { codes: codes.into_iter().map(Into::into).collect() })
    }

    async fn backup_codes_use(&self, answer: FactorAnswer) -> Result<BackupCodesUsed, CallError> {
        self.0.call(&BACKUP_CODES_USE, &answer.into()).await
    }

    async fn backup_codes_count(&self, user: UserId) -> Result<BackupCodesCount, CallError> {
        self.0.call(&BACKUP_CODES_COUNT, &CountBody { user }).await
    }

    async fn backup_codes_remove(&self, remove: BackupCodesRemove) -> Result<(), CallError> {
        self.0.call(&BACKUP_CODES_REMOVE, &remove).await.map(|Done {}| ())
    }
}

/// The operations that answer by the `S` among the listener's data, each sibling by what it has for it.
#[must_use]
pub fn endpoints<S: ServesSiblings>() -> Endpoints {
    Endpoints::new(vec![
        INITIATE.served_to(S::for_sibling, async |api: &S::Api, initiate| api.initiate(initiate).await),
        RESEND.served_to(S::for_sibling, async |api: &S::Api, resend| api.resend(resend).await),
        VALIDATE.served_to(S::for_sibling, async |api: &S::Api, body: ValidateBody| api.validate(body.into()).await),
        CHECK.served_to(S::for_sibling, async |api: &S::Api, body: ValidateBody| api.check(body.into()).await),
        CANCEL.served_to(S::for_sibling, async |api: &S::Api, body| {
            let cancel = match body {
                CancelBody::Id { id } => Cancel::Id(id),
                CancelBody::Holder { holder } => Cancel::Holder(holder),
            };
            api.cancel(cancel).await.map(|()| Done {})
        }),
        AUTHENTICATOR_ENROL.served_to(S::for_sibling, async |api: &S::Api, enrol| {
            let AuthenticatorEnrolled { secret, uri, expires_at } = api.authenticator_enrol(enrol).await?;
            Ok(EnrolledBody { secret: secret.into(), uri: uri.into(), expires_at })
        }),
        AUTHENTICATOR_CONFIRM.served_to(S::for_sibling, async |api: &S::Api, ConfirmBody { user, enrolment, code }| {
            api.authenticator_confirm(AuthenticatorConfirm { user, enrolment, code: code.into() }).await
        }),
        AUTHENTICATOR_CHECK.served_to(S::for_sibling, async |api: &S::Api, body: AnswerBody| {
            api.authenticator_check(body.into()).await
        }),
        AUTHENTICATOR_REMOVE.served_to(S::for_sibling, async |api: &S::Api, remove| {
            api.authenticator_remove(remove).await.map(|()| Done {})
        }),
        BACKUP_CODES_ISSUE.served_to(S::for_sibling, async |api: &S::Api, issue| {
            let BackupCodesIssued { codes } = api.backup_codes_issue(issue).await?;
            Ok(IssuedBody { codes: codes.into_iter().map(Into::into).collect() })
        }),
        BACKUP_CODES_USE
            .served_to(S::for_sibling, async |api: &S::Api, body: AnswerBody| api.backup_codes_use(body.into()).await),
        BACKUP_CODES_COUNT
            .served_to(S::for_sibling, async |api: &S::Api, CountBody { user }| api.backup_codes_count(user).await),
        BACKUP_CODES_REMOVE.served_to(S::for_sibling, async |api: &S::Api, remove| {
            api.backup_codes_remove(remove).await.map(|()| Done {})
        }),
    ])
}
