//! Registered clients.

use tessera_common::clock::Timestamp;
use tessera_storage::{Session, affected, run};
use tessera_tokens::jwk::Algorithm;

use crate::domain::client::{AccessTokenFormat, AuthMethod, ClientId, GrantType, OAuthClient, ResponseType};
use crate::domain::scope::Scopes;

#[derive(sqlx::FromRow)]
struct Row {
    client_id: String,
    name: String,
    enabled: bool,
    first_party: bool,
    auth_methods: String,
    grant_types: String,
    response_types: String,
    scopes: String,
    redirect_uris: String,
    require_pkce: bool,
    access_token_format: String,
    access_token_alg: String,
    access_token_ttl_s: i64,
    id_token_alg: String,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl Row {
    /// The client; `None` when the row holds what this release does not know and cannot leave out.
    fn client(self) -> Option<OAuthClient> {
        Some(OAuthClient {
            id: ClientId::parse(&self.client_id)?,
            name: self.name,
            enabled: self.enabled,
            first_party: self.first_party,
            auth_methods: each_named(&self.auth_methods, AuthMethod::named),
            grants: each_named(&self.grant_types, GrantType::named),
            response_types: each_named(&self.response_types, ResponseType::named),
            scopes: Scopes::known(list(&self.scopes).iter().map(String::as_str)),
            redirect_uris: list(&self.redirect_uris),
            require_pkce: self.require_pkce,
            access_token_format: AccessTokenFormat::named(&self.access_token_format)?,
            access_token_alg: Algorithm::named(&self.access_token_alg)?,
            access_token_ttl_s: self.access_token_ttl_s,
            id_token_alg: Algorithm::named(&self.id_token_alg)?,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// A stored list; one that cannot be read grants nothing.
fn list(json: &str) -> Vec<String> {
    serde_json::from_str(json).unwrap_or_default()
}

fn each_named<T>(json: &str, named: impl Fn(&str) -> Option<T>) -> Vec<T> {
    list(json).iter().filter_map(|name| named(name)).collect()
}

fn written<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    serde_json::Value::from_iter(names).to_string()
}

macro_rules! select_client {
    ($rest:literal) => {
        concat!(
            "select c.client_id, c.name, c.enabled, c.first_party, c.auth_methods, c.grant_types, c.response_types, c.scopes, \
             c.redirect_uris, c.require_pkce, c.access_token_format, c.access_token_alg, c.access_token_ttl_s, c.id_token_alg, \
             c.version, c.created_at, c.updated_at",
            $rest
        )
    };
}

/// The client of that id.
pub async fn find(session: &mut impl Session, id: &ClientId) -> sqlx::Result<Option<OAuthClient>> {
    let row: Option<Row> = run!(session, |e| {
        sqlx::query_as(select_client!(" from oauth_clients c where c.client_id = $1"))
            .bind(id.to_string())
            .fetch_optional(e)
    })?;
    Ok(row.and_then(Row::client))
}

/// A client, once for each secret that is good now; without one, once.
#[derive(sqlx::FromRow)]
struct WithSecret {
    #[sqlx(flatten)]
    row: Row,
    digest: Option<Vec<u8>>,
}

/// The client of that id, with the digests of the secrets that are good now: two while an old one overlaps a new one.
pub async fn find_with_secrets(
    session: &mut impl Session,
    id: &ClientId,
    now: Timestamp,
) -> sqlx::Result<(Option<OAuthClient>, Vec<Vec<u8>>)> {
    let rows: Vec<WithSecret> = run!(session, |e| sqlx::query_as(select_client!(
        ", s.digest from oauth_clients c left join client_secrets s on s.client_id = c.client_id \
         and (s.expires_at is null or s.expires_at > $2) where c.client_id = $1"
    ))
    .bind(id.to_string())
    .bind(now)
    .fetch_all(e))?;
    let (clients, digests): (Vec<Row>, Vec<_>) = rows.into_iter().map(|found| (found.row, found.digest)).unzip();
    Ok((clients.into_iter().next().and_then(Row::client), digests.into_iter().flatten().collect()))
}

/// Registers a client; `false` when its id is taken.
pub async fn insert(session: &mut impl Session, client: &OAuthClient) -> sqlx::Result<bool> {
    let inserted = affected!(
        session,
        sqlx::query(
            "insert into oauth_clients (client_id, name, enabled, first_party, auth_methods, grant_types, response_types, scopes, \
             redirect_uris, require_pkce, access_token_format, access_token_alg, access_token_ttl_s, id_token_alg, version, \
             created_at, updated_at) \
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) on conflict (client_id) do nothing"
        )
        .bind(client.id.to_string())
        .bind(client.name.clone())
        .bind(client.enabled)
        .bind(client.first_party)
        .bind(written(client.auth_methods.iter().map(|method| method.name())))
        .bind(written(client.grants.iter().map(|grant| grant.name())))
        .bind(written(client.response_types.iter().map(|kind| kind.name())))
        .bind(written(client.scopes.names()))
        .bind(written(client.redirect_uris.iter().map(String::as_str)))
        .bind(client.require_pkce)
        .bind(client.access_token_format.name())
        .bind(client.access_token_alg.name())
        .bind(client.access_token_ttl_s)
        .bind(client.id_token_alg.name())
        .bind(client.version)
        .bind(client.created_at)
        .bind(client.updated_at)
    )?;
    Ok(inserted == 1)
}
