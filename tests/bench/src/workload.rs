//! What is asked of the platform under load, and what each answer costs at least.

use crate::floor::Part;
use crate::http::{Connection, Request};
use crate::load::{Conversation, Exchange, Right};
use crate::machine::cores;
use crate::platform::{Accounts, Platform, sign_in};
use crate::tenant::Tenant;

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
    /// `GET /methods/email/verifiers/{id}` by a tenant: a token checked and a row read, as the introspection of a token would do.
    VerificationRead,
    /// `POST /methods/email/actions/initiate`, and its code to `…/actions/validate`: both count as one.
    VerificationPair,
    /// `POST /sign_in` with a password.
    SignIn,
}

impl Workload {
    /// All of them, those that leave rows behind last.
    pub const ALL: [Self; 9] = [
        Self::ClientCredentials,
        Self::Jwks,
        Self::Discovery,
        Self::SessionLookup,
        Self::Client,
        Self::SessionMint,
        Self::VerificationRead,
        Self::VerificationPair,
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
            Self::VerificationRead => "verification",
            Self::VerificationPair => "initiate, validate",
            Self::SignIn => "password sign-in",
        }
    }

    /// Where its requests go, as far as that says who answers.
    pub const fn path(self) -> &'static str {
        match self {
            Self::ClientCredentials | Self::Jwks | Self::Discovery => "/oauth2/token",
            Self::SessionLookup => "/sessions/1",
            Self::Client | Self::SessionMint => "/v1/client",
            Self::VerificationRead | Self::VerificationPair => "/methods/email",
            Self::SignIn => "/sign_in",
        }
    }

    /// What no correct server can skip. Digests of opaque secrets are left out: they are a fiftieth of an exchange.
    pub const fn floor(self) -> &'static [Part] {
        match self {
            Self::ClientCredentials => &[Part::Post, Part::Rs256],
            Self::Jwks | Self::Discovery => &[Part::Get],
            Self::VerificationRead => &[Part::Get, Part::Rs256Verified, Part::Read],
            Self::VerificationPair => &[
                Part::Post,
                Part::Rs256Verified,
                // Begun.
                Part::Commit,
                Part::Post,
                Part::Rs256Verified,
                // Counted before it is compared; spent.
                Part::Commit,
                Part::Commit,
            ],
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
            Self::SessionLookup | Self::Client | Self::VerificationRead | Self::VerificationPair => None,
        }
    }

    /// What each connection does. Sign-ins are few at a time, and no account has so many under way that they look like guesses.
    ///
    /// # Errors
    /// When the platform does not show what a document is, or gives no token.
    pub async fn conversations(self, accounts: &Accounts, platform: &Platform) -> anyhow::Result<Vec<Conversation>> {
        const FORM: &str = "application/x-www-form-urlencoded";
        const SIGNED: &str = "\"jwt\":\"eyJ";
        let cookie = [("Cookie", accounts.cookie.as_str())];
        let (request, right) = match self {
            Self::ClientCredentials => {
                let request = Tenant::token_request("verify");
                (request, Right::body(200, &["\"access_token\":\"eyJ", "\"scope\":\"verify\""]))
            }
            Self::Jwks => self.document("/oauth2/jwks", "\"keys\":[{", platform).await?,
            Self::Discovery => {
                self.document("/oauth2/.well-known/openid-configuration", "\"jwks_uri\":", platform).await?
            }
            Self::SessionLookup => {
                let (token, number) = &accounts.token;
                let bearer = format!("Bearer {token}");
                let request = Request::get(&format!("/sessions/{number}"), &[("Authorization", &bearer)]);
                (request, Right::body(200, &[&format!("\"id\":{number},")]))
            }
            Self::Client => (Request::get("/v1/client", &cookie), Right::body(200, &[&accounts.session, SIGNED])),
            Self::SessionMint => {
                let path = format!("/v1/client/sessions/{}/tokens", accounts.session);
                (Request::post(&path, &cookie, FORM, ""), Right::body(200, &["\"object\":\"token\"", SIGNED]))
            }
            Self::VerificationRead => {
                let tenant = Tenant::of(platform).await?;
                return Ok(vec![vec![tenant.read(platform).await?]; CONNECTIONS]);
            }
            Self::VerificationPair => {
                let tenant = Tenant::of(platform).await?;
                return Ok((0..CONNECTIONS).map(|number| tenant.pair(number)).collect());
            }
            Self::SignIn => {
                let right = Right { head: "x-session-token: tss_", ..Right::body(201, &["\"user_id\":"]) };
                let addresses = (0..4 * cores()).zip(accounts.addresses.iter().cycle());
                let exchange = |address: &String| Exchange { request: sign_in(address), right: right.clone() };
                return Ok(addresses.map(|(_, address)| vec![exchange(address)]).collect());
            }
        };
        Ok(vec![vec![Exchange { request, right }]; CONNECTIONS])
    }

    /// A document is the same each time, byte for byte.
    async fn document(self, path: &str, member: &str, platform: &Platform) -> anyhow::Result<(Request, Right)> {
        let request = Request::get(path, &[]);
        let mut connection = Connection::open(platform.port_of(path)).await?;
        let answer = connection.exchange(&request).await?;
        let right = Right::body(200, &[answer.text()?, member]);
        Ok((request, right))
    }
}
