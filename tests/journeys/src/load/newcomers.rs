//! People who come for the first time, one after the other: each signs up and signs in.

use super::Until;
use super::account::Account;
use super::caller::Caller;
use super::person::known;

/// Them.
#[derive(Debug)]
pub struct Newcomers<'a> {
    caller: Caller<'a>,
    name: String,
}

impl<'a> Newcomers<'a> {
    /// Those whose addresses begin so.
    #[must_use]
    pub const fn new(caller: Caller<'a>, name: String) -> Self {
        Self { caller, name }
    }

    /// Lets them come. Answers their accounts.
    pub async fn run(self, until: Until<'_>) -> Vec<Account> {
        let mut accounts = Vec::new();
        let mut goes_on = true;
        while goes_on {
            let mut account = Account::new(format!("{}-{}@example.org", self.name, accounts.len()));
            let signed_up = known(self.caller.sign_up(&account.email, 0).await);
            let step = match signed_up {
                Some(()) => {
                    let (outcome, opened) = self.caller.sign_in(&account.email, 0).await;
                    account.sessions.extend(opened);
                    known(outcome)
                }
                None => None,
            };
            accounts.push(account);
            goes_on = until.goes_on(step).await;
        }
        accounts
    }
}
