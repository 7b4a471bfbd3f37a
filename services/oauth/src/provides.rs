//! What siblings may ask, answered by the same actions as everything else.

use anyhow::bail;
use async_trait::async_trait;
use tessera_contracts::call::{CallError, Failure};
use tessera_contracts::ids::{SessionId, UserId};
use tessera_contracts::oauth::{Application, FirstPartyToken, OAuthApi};

use crate::actions::bootstrap_dev::bootstrap_dev;
use crate::actions::find_application::find_application;
use crate::actions::issue_first_party::issue_first_party;
use crate::actions::usable_dev_client::usable_dev_client;
use crate::oauth::OAuth;

impl OAuth {
    /// Registers the clients of the dev profile. Harmless when called again; their secret is public, so never call it elsewhere.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn bootstrap_dev(&self) -> Result<(), Failure> {
        bootstrap_dev(self).await
    }

    /// Refuses a database in which the clients of the dev profile can be used.
    ///
    /// # Errors
    /// When one of them can, or the database fails.
    pub async fn refuse_dev_clients(&self) -> anyhow::Result<()> {
        match usable_dev_client(self).await? {
            None => Ok(()),
            Some(id) => bail!(
                "setting `profile`: the OAuth client `{id}` of the dev profile is in this database, and everybody knows it; \
                 disable it, or use a database that no dev profile has served from"
            ),
        }
    }
}

#[async_trait]
impl OAuthApi for OAuth {
    async fn application(&self, id: Option<&str>) -> Result<Option<Application>, CallError> {
        let client = find_application(self, id).await.map_err(as_callee)?;
        Ok(client.map(|client| Application {
            id: client.id.to_string(),
            name: client.name,
            enabled: client.enabled,
            first_party: client.first_party,
        }))
    }

    async fn issue_first_party(
        &self,
        user: UserId,
        session: SessionId,
        application: &str,
    ) -> Result<Option<FirstPartyToken>, CallError> {
        let issued = issue_first_party(self, user, session, application).await.map_err(as_callee)?;
        Ok(issued.map(|token| FirstPartyToken {
            access_token: token.access_token,
            expires_in: token.expires_in,
            scope: token.scope,
        }))
    }
}

fn as_callee(failure: Failure) -> CallError {
    failure.as_callee("oauth")
}
