//! What can be done, one use case a file: load, decide, save and emit in one transaction.

pub mod change_password;
pub mod check_password;
pub mod log_in;
pub mod mail_link;
pub mod request_verification;
pub mod sign_in;
pub mod sign_up;
pub mod verify_email;

use tessera_common::server::Caller;
use tessera_contracts::events::Actor;
use tessera_contracts::sessions::{Account, FactorKind};
use tessera_storage::Session;

use crate::domain::user::User;
use crate::store::user_rows;

/// Who did it, as the events tell it.
fn actor(caller: &Caller) -> Actor {
    Actor { user_agent: caller.user_agent.clone(), ip_address: Some(caller.address.to_string()) }
}

/// The account as siblings are told of it, with what it demands as the registry says now.
async fn account(on: &mut impl Session, user: &User) -> sqlx::Result<Account> {
    let demanded = user_rows::demanded(on, user.id).await?;
    Ok(Account {
        user: user.id,
        number: user.number,
        epoch: user.security_epoch,
        version: user.version,
        email: user.email.clone(),
        email_verified: user.email_verified_at.is_some(),
        created_at: user.created_at,
        updated_at: user.updated_at,
        demanded: demanded.iter().map(|kind| factor(kind)).collect(),
    })
}

/// The factor of that name. An unknown one still demands: nobody can prove it, so it denies.
fn factor(name: &str) -> FactorKind {
    match name {
        "totp" => FactorKind::Totp,
        "backup_code" => FactorKind::BackupCode,
        "phone_code" => FactorKind::PhoneCode,
        "email_code" => FactorKind::EmailCode,
        _ => FactorKind::Device,
    }
}
