//! What an answer is compared with, method by method, and what a right one uses up.

use secrecy::{ExposeSecret as _, SecretString};
use tessera_common::clock::Timestamp;
use tessera_contracts::call::Failure;
use tessera_storage::Tx;
use uuid::Uuid;

use super::{authenticators, backup_codes};
use crate::domain::authenticator::{self, Authenticator, Sealed};
use crate::domain::method::Method;
use crate::domain::verification::{Key, Owner, Verification};
use crate::store::backup_code_rows::Unused;
use crate::store::{authenticator_rows, backup_code_rows};
use crate::verify::Verify;

/// What an answer is compared with.
#[derive(Debug)]
pub enum Expected<'a> {
    /// The code that the verification was opened with, by its digest.
    Code { key: Key<'a>, digest: Vec<u8> },
    /// The present code of a secret, which is confirmed or waits for its first right code.
    Authenticator { secret: Sealed, is_confirmed: bool },
    /// One of these codes.
    BackupCodes(Vec<Unused>),
}

/// What was right about an answer.
#[derive(Debug)]
pub enum Right {
    /// The verification's own code.
    Code,
    /// The code of this step.
    Step { secret: Uuid, step: i64, is_confirmed: bool },
    /// This code.
    BackupCode(Unused),
}

impl<'a> Expected<'a> {
    /// What an answer to `verification` is compared with now; `None` when the consumer has no such secret.
    pub async fn load(tx: &mut Tx, key: Key<'a>, verification: &Verification) -> sqlx::Result<Option<Self>> {
        match key.method {
            Method::Email | Method::Phone => Ok(Some(Self::Code { key, digest: verification.code_digest.clone() })),
            Method::Authenticator => {
                let found = authenticator_rows::find(tx, verification.owner()).await?;
                Ok(found.and_then(Self::confirmed_or_pending))
            }
            Method::BackupCode => Ok(backup_code_rows::unused(tx, verification.owner()).await?.map(Self::BackupCodes)),
        }
    }

    fn confirmed_or_pending(authenticator: Authenticator) -> Option<Self> {
        match authenticator {
            Authenticator { confirmed: Some(secret), .. } => Some(Self::Authenticator { secret, is_confirmed: true }),
            Authenticator { pending, .. } => pending.map(|secret| Self::Authenticator { secret, is_confirmed: false }),
        }
    }

    /// What an answer to a factor of one of the platform's users is compared with. A secret that was not confirmed proves nothing here.
    pub async fn of_user(tx: &mut Tx, method: Method, owner: Owner<'_>) -> sqlx::Result<Option<Self>> {
        Ok(match method {
            Method::Authenticator => {
                let confirmed = authenticator_rows::find(tx, owner).await?.and_then(|found| found.confirmed);
                confirmed.map(|secret| Self::Authenticator { secret, is_confirmed: true })
            }
            Method::BackupCode => backup_code_rows::unused(tx, owner).await?.map(Self::BackupCodes),
            Method::Email | Method::Phone => None,
        })
    }

    /// What is right about an answer, if anything is.
    pub fn compare(
        self,
        verify: &Verify,
        owner: Owner<'_>,
        answer: &SecretString,
        now: Timestamp,
    ) -> Result<Option<Right>, Failure> {
        match self {
            Self::Code { key, digest } => Ok(verify.is_right(key, answer, &digest).then_some(Right::Code)),
            Self::Authenticator { secret, is_confirmed } => {
                let opened = authenticators::open(verify, owner, &secret)?;
                let step = authenticator::step_of(&opened, answer.expose_secret(), now);
                Ok(step.map(|step| Right::Step { secret: secret.id, step, is_confirmed }))
            }
            Self::BackupCodes(codes) => Ok(backup_codes::find(verify, owner, codes, answer).map(Right::BackupCode)),
        }
    }
}

impl Right {
    /// Uses up what was right, in the transaction that spends the verification; `false` when somebody else has, meanwhile or before.
    /// With `removes` the consumer's secret or set is dropped.
    pub async fn use_up(&self, tx: &mut Tx, owner: Owner<'_>, removes: bool, now: Timestamp) -> sqlx::Result<bool> {
        match self {
            Self::Code => Ok(true),
            Self::Step { secret, step, .. } if removes => authenticator_rows::use_up(tx, owner, *secret, *step).await,
            Self::Step { secret, step, is_confirmed: true } => {
                authenticator_rows::use_step(tx, owner, *secret, *step).await
            }
            Self::Step { secret, step, is_confirmed: false } => {
                authenticator_rows::confirm(tx, owner, *secret, *step, now).await
            }
            Self::BackupCode(code) => {
                let used = backup_code_rows::use_up(tx, owner, code, now).await?;
                if used && removes {
                    backup_code_rows::remove(tx, owner).await?;
                }
                Ok(used)
            }
        }
    }
}
