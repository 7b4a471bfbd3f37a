//! What is asked of the platform under load, and what each answer costs at least.

use crate::floor::Part;
use crate::http::{Connection, Request};
use crate::load::Right;
use crate::machine::cores;
use crate::platform::{Accounts, sign_in};

/// Connections of a workload that does not hash.
const CONNECTIONS: usize = 32;

/// One kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// `POST /oauth2/token`: a client's own token.
    ClientCredentials,
    /// `GET /oauth2/jwks`.
    Jwks,
    /// `GET /oauth2/.well-known/openid-configuration`.
    Discovery,
    /// `GET /sessions/{id}` by a session token: a session looked up, and nothing signed.
    SessionLookup,
    /// `GET /v1/client` by the cookie: its sessions looked up, with a new token.
    Client,
    /// `POST /v1/client/sessions/{id}/tokens`.
    SessionMint,
    /// `POST /sign_in` with a password.
    SignIn,
}

impl Workload {
    /// All of them, the one that leaves rows behind last.
    pub const ALL: [Self; 7] = [
        Self::ClientCredentials,
        Self::Jwks,
        Self::Discovery,
        Self::SessionLookup,
        Self::Client,
        Self::SessionMint,
        Self::SignIn,
    ];

    /// As the table names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ClientCredentials => "client_credentials",
            Self::Jwks => "jwks",
            Self::Discovery => "discovery",
            Self::SessionLookup => "session lookup",
            Self::Client => "client with token",
            Self::SessionMint => "session token",
            Self::SignIn => "password sign-in",
        }
    }

    /// Where its requests go, as far as that says who answers.
    pub const fn path(self) -> &'static str {
        match self {
            Self::ClientCredentials | Self::Jwks | Self::Discovery => "/oauth2/token",
            Self::SessionLookup => "/sessions/1",
            Self::Client | Self::SessionMint => "/v1/client",
            Self::SignIn => "/sign_in",
        }
    }

    /// What no correct server can skip. Digests of opaque secrets are left out: they are a fiftieth of an exchange.
    pub const fn floor(self) -> &'static [Part] {
        match self {
            Self::ClientCredentials => &[Part::Post, Part::Rs256],
            Self::Jwks | Self::Discovery => &[Part::Get],
            Self::SessionLookup => &[Part::Get, Part::Read],
            Self::Client => &[Part::Get, Part::Read, Part::Rs256],
            Self::SessionMint => &[Part::Post, Part::Read, Part::Rs256],
            Self::SignIn => &[Part::Post, Part::Argon2id, Part::Read, Part::Commit],
        }
    }

    /// The share of the limit that the project aims at.
    pub const fn target(self) -> Option<f64> {
        match self {
            Self::ClientCredentials | Self::SessionMint => Some(0.8),
            Self::Jwks | Self::Discovery => Some(0.7),
            Self::SignIn => Some(0.9),
            Self::SessionLookup | Self::Client => None,
        }
    }

    /// What each connection asks. Sign-ins are few at a time, and no account has so many under way that they look like guesses.
    pub fn requests(self, accounts: &Accounts) -> Vec<Request> {
        match self {
            Self::SignIn => (0..4 * cores()).zip(accounts.addresses.iter().cycle()).map(|(_, a)| sign_in(a)).collect(),
            _ => vec![self.request(accounts); CONNECTIONS],
        }
    }

    fn request(self, accounts: &Accounts) -> Request {
        const FORM: &str = "application/x-www-form-urlencoded";
        let cookie = [("Cookie", accounts.cookie.as_str())];
        match self {
            Self::ClientCredentials => {
                let client = "client_id=tessera-dev&client_secret=tessera-dev-secret";
                let form = format!("grant_type=client_credentials&scope=verify&{client}");
                Request::post("/oauth2/token", &[], FORM, &form)
            }
            Self::Jwks => Request::get("/oauth2/jwks", &[]),
            Self::Discovery => Request::get("/oauth2/.well-known/openid-configuration", &[]),
            Self::SessionLookup => {
                let (token, number) = &accounts.token;
                let bearer = format!("Bearer {token}");
                Request::get(&format!("/sessions/{number}"), &[("Authorization", &bearer)])
            }
            Self::Client => Request::get("/v1/client", &cookie),
            Self::SessionMint => {
                Request::post(&format!("/v1/client/sessions/{}/tokens", accounts.session), &cookie, FORM, "")
            }
            Self::SignIn => sign_in(accounts.addresses.first().map_or("", String::as_str)),
        }
    }

    /// What must come back.
    ///
    /// # Errors
    /// When the platform does not show what a document is.
    pub async fn right(self, accounts: &Accounts, port: u16) -> anyhow::Result<Right> {
        let signed = "\"jwt\":\"eyJ";
        Ok(match self {
            Self::ClientCredentials => Right::body(200, &["\"access_token\":\"eyJ", "\"scope\":\"verify\""]),
            Self::Jwks => self.document(accounts, port, "\"keys\":[{").await?,
            Self::Discovery => self.document(accounts, port, "\"jwks_uri\":").await?,
            Self::SessionLookup => Right::body(200, &[&format!("\"id\":{},", accounts.token.1)]),
            Self::Client => Right::body(200, &[&accounts.session, signed]),
            Self::SessionMint => Right::body(200, &["\"object\":\"token\"", signed]),
            Self::SignIn => Right { head: "x-session-token: tss_", ..Right::body(201, &["\"user_id\":"]) },
        })
    }

    /// A document is the same each time, byte for byte.
    async fn document(self, accounts: &Accounts, port: u16, member: &str) -> anyhow::Result<Right> {
        let mut connection = Connection::open(port).await?;
        let answer = connection.exchange(&self.request(accounts)).await?;
        Ok(Right::body(200, &[answer.text()?, member]))
    }
}
